"""What Karpenter may buy: Trainium nodes to train on, and processors for the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from .node_template import ROOT_DEVICE
from .outputs import once
from .trainium import (
    NEURON,
    NODES_LABEL,
    PROCESSORS,
    TAINT_KEY,
    TAINT_VALUE,
    TRAINIUM,
    Reservation,
    TrainiumType,
    needs_placement_group,
)

Spec = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainiumPool:
    """At most `nodes` nodes of one type. One that has been empty for `idle`, such as 5m, goes."""

    instance: TrainiumType
    subnet_id: pulumi.Input[str]
    """One subnet: EFA and a cluster placement group do not reach beyond a zone, and reservations are in one."""
    nodes: int
    reservation: Reservation | None = None
    """Is used up first. What it lacks is bought on demand, unless it is a capacity block."""
    idle: str = "5m"
    root_volume_gib: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessorPool:
    """At most `vcpus` vCPUs at a time. A node that could have been spared for `idle`, such as 5m, goes."""

    subnet_ids: Sequence[pulumi.Input[str]]
    vcpus: int
    idle: str = "5m"
    root_volume_gib: int = 200
    """Room for images and scratch: these machines have no disks of their own, and Neuron images take tens of GB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KarpenterPoolsArgs:
    """`instance_profile` is known once Karpenter runs. `image_alias` names a release of EKS's images: al2023@v<date>.

    A release by its date, since nodes are replaced when the alias means other images than theirs.
    """

    instance_profile: pulumi.Input[str]
    image_alias: pulumi.Input[str]
    security_group_id: pulumi.Input[str]
    """The cluster's own, which lets nodes talk to each other over EFA."""
    processors: ProcessorPool
    trainium: TrainiumPool | None = None
    tags: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """Tags of all that Karpenter makes in AWS."""


class KarpenterPools(pulumi.ComponentResource):
    """Node classes and node pools; nodes come when pods wait for them, and go when none is left. Idle it costs nothing.

    A running node costs its instance type's price: $21.50 an hour for a trn1.32xlarge, $1.06 for an r7i.4xlarge (on
    demand in us-east-1, from Karpenter 1.14.1's price list of 2026-07-20).
    """

    processors: pulumi.Output[str]
    """Name of the pool, known once it is there. What is made from it goes before it, and it waits for its nodes."""
    trainium: pulumi.Output[str] | None
    """The same of the pool to train on, where there is one."""

    def __init__(self, name: str, args: KarpenterPoolsArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("trainyard:components:KarpenterPools", name, {}, opts)
        self.processors = self._pool(
            name, PROCESSORS, processor_class(args, args.processors), processor_pool(args.processors)
        )
        self.trainium = None
        if args.trainium:
            group = self._placement_group(name, args.trainium)
            node_class = trainium_class(args, args.trainium, group)
            self.trainium = self._pool(name, TRAINIUM, node_class, trainium_pool(args.trainium))
        self.register_outputs({"processors": self.processors, "trainium": self.trainium})

    def _placement_group(self, name: str, pool: TrainiumPool) -> pulumi.Input[str] | None:
        if not needs_placement_group(pool.instance, pool.reservation):
            return pool.reservation.placement_group if pool.reservation else None
        return aws.ec2.PlacementGroup(
            f"{name}-placement", strategy="cluster", opts=pulumi.ResourceOptions(parent=self)
        ).name

    def _pool(self, name: str, kind: str, node_class: Spec, pool: Spec) -> pulumi.Output[str]:
        made_class = CustomResource(
            f"{name}-{kind}-class",
            api_version="karpenter.k8s.aws/v1",
            kind="EC2NodeClass",
            # a subnet, image or placement group that is not found is told by this update, not by pods that never start
            metadata=ObjectMetaArgs(name=kind, annotations={"pulumi.com/waitFor": "condition=Ready"}),
            spec=node_class,
            opts=self._patient(),
        )
        made_pool = CustomResource(
            f"{name}-{kind}-pool",
            api_version="karpenter.sh/v1",
            kind="NodePool",
            metadata=ObjectMetaArgs(name=kind, annotations=FOREGROUND),
            spec=pool,
            # named by its plain name, so that a preview shows the whole pool; the class has to outlive the pool's nodes
            opts=self._patient([made_class]),
        )
        return once(kind, made_pool.id)

    def _patient(self, after: Sequence[pulumi.Resource] = ()) -> pulumi.ResourceOptions:
        timeouts = pulumi.CustomTimeouts(delete=DELETE_TIMEOUT)
        return pulumi.ResourceOptions(parent=self, depends_on=after, custom_timeouts=timeouts)


FOREGROUND = {"pulumi.com/deletionPropagationPolicy": "foreground"}
"""A NodePool has no finalizer of Karpenter's. What makes its deletion wait for its nodes is Kubernetes' own foreground
deletion: each NodeClaim names the pool as its owner with blockOwnerDeletion, and has a finalizer that drains the node
and terminates the instance. Deleted in any other way, the pool is gone at once and its instances run on."""

DELETE_TIMEOUT = "40m"
"""Draining, unmounting and terminating big instances takes many minutes. By default Pulumi gives up after ten."""


def trainium_class(args: KarpenterPoolsArgs, pool: TrainiumPool, group: pulumi.Input[str] | None) -> Spec:
    """How a Trainium node is started. There is nothing of EFA in it: Karpenter attaches all the interfaces that a type
    has to a node that it starts for a pod that asks for one, and advertises none on others."""
    reserved = {"capacityReservationSelectorTerms": [{"id": pool.reservation.id}]} if pool.reservation else {}
    together = {"placementGroupSelector": {"name": group}} if group is not None else {}
    return (
        _node_class(args, [pool.subnet_id], pool.root_volume_gib)
        | {"instanceStorePolicy": "RAID0"}
        | reserved
        | together
    )


def processor_class(args: KarpenterPoolsArgs, pool: ProcessorPool) -> Spec:
    return _node_class(args, pool.subnet_ids, pool.root_volume_gib)


def _node_class(args: KarpenterPoolsArgs, subnet_ids: Sequence[pulumi.Input[str]], gib: int) -> Spec:
    root = {"volumeType": "gp3", "volumeSize": f"{gib}Gi", "encrypted": True, "deleteOnTermination": True}
    return {
        # of a release's images Karpenter takes the Neuron one for instances with Neuron devices
        "amiSelectorTerms": [{"alias": args.image_alias}],
        "instanceProfile": args.instance_profile,
        "subnetSelectorTerms": [{"id": one} for one in subnet_ids],
        "securityGroupSelectorTerms": [{"id": args.security_group_id}],
        "blockDeviceMappings": [{"deviceName": ROOT_DEVICE, "rootVolume": True, "ebs": root}],
        "metadataOptions": {"httpEndpoint": "enabled", "httpTokens": "required", "httpPutResponseHopLimit": 1},
        "tags": dict(args.tags),
    }


def trainium_pool(pool: TrainiumPool) -> Spec:
    """Of the two limits Karpenter holds to the devices' while it plans several nodes at once, and to the nodes' only
    from one plan to the next; together they let it buy `nodes` nodes and never one more."""
    is_block = pool.reservation is not None and pool.reservation.is_block
    requirements = [
        among("node.kubernetes.io/instance-type", pool.instance.name),
        among("karpenter.sh/capacity-type", *(["reserved"] if is_block else ["reserved", "on-demand"])),
    ]
    taint = {"key": TAINT_KEY, "value": TAINT_VALUE, "effect": "NoSchedule"}
    return {
        "template": _template(TRAINIUM, requirements, taints=[taint]),
        "limits": {NEURON: str(pool.nodes * pool.instance.devices), "nodes": str(pool.nodes)},
        "disruption": _disruption("WhenEmpty", pool.idle),
    }


def processor_pool(pool: ProcessorPool) -> Spec:
    """Machines from generation 7 on, whose processors have bf16 matrix or vector units; none whose speed is lent.

    On demand, so that AWS never takes one away. Karpenter may move pods together to spare a node, and leaves alone
    those with the annotation karpenter.sh/do-not-disrupt.
    """
    requirements = [
        among("karpenter.sh/capacity-type", "on-demand"),
        among("karpenter.k8s.aws/instance-category", "c", "m", "r"),
        {"key": "karpenter.k8s.aws/instance-generation", "operator": "Gt", "values": ["6"]},
        among("karpenter.k8s.aws/instance-capability-flex", "false"),
        among("karpenter.k8s.aws/instance-hypervisor", "nitro"),
    ]
    return {
        "template": _template(PROCESSORS, requirements),
        "limits": {"cpu": str(pool.vcpus)},
        "disruption": _disruption("WhenEmptyOrUnderutilized", pool.idle),
    }


def among(key: str, *values: str) -> Spec:
    """The requirement that a node's `key` is one of `values`."""
    return {"key": key, "operator": "In", "values": list(values)}


def _template(kind: str, requirements: list[Spec], **more: list[Spec]) -> Spec:
    everywhere = [among("kubernetes.io/arch", "amd64"), among("kubernetes.io/os", "linux")]
    # nodes never grow too old: a training may run for weeks, and expiry would end it. There is no grace period to
    # terminate in either, which would override do-not-disrupt
    node_class = {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": kind}
    spec = {"nodeClassRef": node_class, "requirements": everywhere + requirements, "expireAfter": "Never"} | more
    return {"metadata": {"labels": {NODES_LABEL: kind}}, "spec": spec}


def _disruption(policy: str, idle: str) -> Spec:
    """Empty nodes go all at once, since each costs by the hour; others one after the other."""
    budgets = [{"nodes": "100%", "reasons": ["Empty"]}, {"nodes": "1", "reasons": ["Drifted", "Underutilized"]}]
    return {"consolidationPolicy": policy, "consolidateAfter": idle, "budgets": budgets}
