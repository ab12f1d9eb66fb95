"""Nodes of the platform `eks`: what brings them, and the plugins that make their devices known."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import pulumi

from components.autoscaler import Autoscaler, AutoscalerArgs
from components.cluster import Cluster
from components.core_nodes import CoreNodes, CoreNodesArgs
from components.karpenter import Karpenter, KarpenterArgs
from components.karpenter_pools import KarpenterPools, KarpenterPoolsArgs, ProcessorPool, TrainiumPool
from components.network import Network
from components.node_role import NodeRole, NodeRoleArgs
from components.operators.efa import EfaPlugin, EfaPluginArgs
from components.operators.neuron import NeuronPlugin, NeuronPluginArgs
from components.trainium import CORE, NODES_LABEL, PROCESSORS, Reservation, TrainiumType
from components.trainium_nodes import TrainiumNodes, TrainiumNodesArgs
from components.versions import Kubernetes
from workloads.hardware import InstanceType, processor_for
from workloads.recipes import Fleet
from workloads.recipes.step import Processor

from ..names import EKS_NAMESPACE
from ..run import Run
from ..settings import Settings

NAMESPACE = EKS_NAMESPACE
ON_CORE = {NODES_LABEL: CORE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What everything that goes into the cluster stands on. `opts` names the providers."""

    network: Network
    cluster: Cluster
    core: CoreNodes
    version: Kubernetes
    region: str
    account_id: pulumi.Output[str]
    tags: Mapping[str, str]
    mirror: str | None
    opts: pulumi.ResourceOptions


@dataclass(frozen=True, slots=True)
class Nodes:
    """`pools` bring nodes when pods wait; pods of steps go before them. `plugins` are what a step's pod cannot do
    without."""

    pools: tuple[pulumi.Resource, ...]
    plugins: tuple[pulumi.Resource, ...]


def make(base: Base, settings: Settings, run: Run) -> Nodes:
    """Nodes for `run`, brought by what the settings choose."""
    fleet = settings.fleet
    if fleet is None:
        raise ValueError("the platform eks has a fleet")
    bring = _karpenter if settings.keys.provisioner == "karpenter" else _managed
    return Nodes(bring(base, settings, run, fleet), _plugins(base, fleet))


def largest(run: Run) -> InstanceType:
    """The machine that takes the largest of a run's steps without Neuron devices."""
    wanted = [step.placement for step in run.chosen if isinstance(step.placement, Processor)]
    return processor_for(max((one.vcpus for one in wanted), default=8), max((one.memory for one in wanted), default=16))


def trainium_type(fleet: Fleet) -> TrainiumType:
    interfaces = fleet.instance.efa_interfaces if fleet.efa else 0
    return TrainiumType(name=fleet.instance.name, devices=fleet.instance.neuron_devices, efa_interfaces=interfaces)


def _reservation(settings: Settings) -> Reservation | None:
    given = settings.nodes.reservation
    return Reservation(id=given.id, kind=given.kind, placement_group=given.placement_group) if given else None


def _time(span: timedelta) -> str:
    return f"{int(span.total_seconds())}s"


def _karpenter(base: Base, settings: Settings, run: Run, fleet: Fleet) -> tuple[pulumi.Resource, ...]:
    role = NodeRole("karpenter-role", NodeRoleArgs(network=False), base.opts)
    reservation, network = _reservation(settings), base.network
    controller = Karpenter(
        "karpenter",
        KarpenterArgs(
            cluster_name=base.cluster.name_for_nodes,
            cluster_endpoint=base.cluster.endpoint,
            region=base.region,
            account_id=base.account_id,
            node_role_name=role.name,
            node_role_arn=role.arn,
            subnet_ids=[network.training_subnet_id, *network.node_subnet_ids],
            security_group_ids=[base.cluster.security_group_id],
            runs_on=[base.core.node_group_name],
            reservation_ids=[reservation.id] if reservation else [],
            replicas=min(2, settings.keys.cluster.core_nodes),
            mirror=base.mirror,
        ),
        base.opts,
    )
    idle, wanted = _time(settings.nodes.idle), largest(run)
    pools = KarpenterPoolsArgs(
        instance_profile=controller.instance_profile,
        image_alias=base.version.image_alias,
        security_group_id=base.cluster.security_group_id,
        # in the training zone, beside the file system: traffic between zones costs
        processors=ProcessorPool(subnet_ids=[network.training_subnet_id], vcpus=2 * wanted.vcpus, idle=idle),
        trainium=TrainiumPool(
            instance=trainium_type(fleet),
            subnet_id=network.training_subnet_id,
            nodes=settings.trainium_nodes,
            reservation=reservation,
            idle=idle,
        ),
        tags=base.tags,
    )
    return (KarpenterPools("pools", pools, base.opts),)


def _managed(base: Base, settings: Settings, run: Run, fleet: Fleet) -> tuple[pulumi.Resource, ...]:
    role = NodeRole("nodes-role", NodeRoleArgs(network=False), base.opts)
    common = {
        "cluster_name": base.cluster.name_for_nodes,
        "kubernetes_version": base.cluster.version,
        "image_release": base.version.image_release,
        "node_role_arn": role.arn,
        "security_group_id": base.cluster.security_group_id,
        "tags": base.tags,
    }
    training = TrainiumNodesArgs(
        **common,
        subnet_id=base.network.training_subnet_id,
        instance=trainium_type(fleet),
        max_size=settings.trainium_nodes,
        reservation=_reservation(settings),
    )
    processors = CoreNodesArgs(
        **common,
        subnet_ids=[base.network.training_subnet_id],
        instance_types=(largest(run).name,),
        min_size=0,
        max_size=2,
        root_volume_gib=200,
        labels={NODES_LABEL: PROCESSORS},
    )
    scaler = AutoscalerArgs(
        cluster_name=base.cluster.name_for_nodes,
        region=base.region,
        account_id=base.account_id,
        runs_on=[base.core.node_group_name],
        idle=_time(settings.nodes.idle),
        mirror=base.mirror,
    )
    return (
        TrainiumNodes("training", training, base.opts),
        CoreNodes("processors", processors, base.opts),
        Autoscaler("autoscaler", scaler, base.opts),
    )


def _plugins(base: Base, fleet: Fleet) -> tuple[pulumi.Resource, ...]:
    """DaemonSets: they wait for no node."""
    neuron = NeuronPlugin("neuron", NeuronPluginArgs(mirror=base.mirror, node_selector=ON_CORE), base.opts)
    return (neuron, EfaPlugin("efa", EfaPluginArgs(mirror=base.mirror), base.opts)) if fleet.efa else (neuron,)
