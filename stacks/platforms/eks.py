"""The platform `eks`: everything from nothing. What is declared here reads in the order in which it comes to be."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from components.access import Access
from components.addons import Addons, AddonsArgs
from components.cluster import Cluster, ClusterArgs
from components.core_nodes import CoreNodes, CoreNodesArgs
from components.filesystem import FileSystem, FileSystemArgs
from components.guard.destroy import DestroyGuardArgs
from components.network import Network, NetworkArgs
from components.node_role import NodeRole, NodeRoleArgs
from components.outputs import once
from components.results import Results, ResultsArgs
from components.step_account import StepAccount, StepAccountArgs
from components.versions import KUBERNETES
from components.volume import Volume, VolumeArgs
from components.zones import look_up
from workloads.programs import store

from .. import cluster as clusters
from .. import operators
from ..names import eks_label
from ..rules import RUN_IMAGE as RUN_IMAGE_NAME
from ..run import Run
from ..settings import Settings
from . import eks_extras, eks_images, eks_nodes, guard
from .eks_nodes import NAMESPACE, ON_CORE


class EksPlatform:
    guard: DestroyGuardArgs | None = None

    def __init__(self, settings: Settings):
        self._settings, self._keys = settings, settings.keys
        self._label = eks_label(pulumi.get_stack())
        self._tags = {"trainyard:stack": pulumi.get_stack(), "trainyard:project": pulumi.get_project()}
        self._version = KUBERNETES[settings.keys.cluster.kubernetes]

    def missing(self) -> list[str]:
        if aws.config.region:
            return []
        return ["aws:region: is missing. Choose a region that has Trainium: `pulumi config set aws:region us-west-2`."]

    def carry_out(self, run: Run) -> Mapping[str, Any]:
        self._account = aws.Provider("aws", region=aws.config.region, default_tags={"tags": self._tags})
        self._in_aws = pulumi.ResourceOptions(provider=self._account)
        results = Results(
            "results", ResultsArgs(bucket=self._settings.results.bucket, keep=self._settings.results.keep), self._in_aws
        )
        network = self._network()
        files = self._file_system(network)
        cluster = self._cluster(network)
        core = self._core_nodes(network, cluster)
        self._everywhere = pulumi.ResourceOptions(providers=[self._account, cluster.provider])
        addons = self._addons(cluster, core)
        nodes = eks_nodes.make(self._base(network, cluster, core), self._settings, run)
        namespace = self._namespace(cluster, nodes)
        claim = self._claim(files, namespace, addons)
        image = eks_images.Images(self._base(network, cluster, core), namespace)
        installed = self._operators(run, core)
        target = results.name.apply(lambda bucket: f"{store.SCHEME}{bucket}")
        account = self._step_account(cluster, namespace, results)
        self.guard = self._guard(run, target)
        made = clusters.Cluster(
            site=image.site(
                run,
                self._settings,
                eks_images.Kept(claim=claim, results=target, account=account),
                installed.queue,
            ),
            namespace=namespace,
            claim=claim,
            run_image=self._settings.images.get(RUN_IMAGE_NAME, clusters.RUN_IMAGE),
            run_selector=ON_CORE,
            kubectl=f"kubectl --context {self._label}",
            sees_karpenter=self._keys.provisioner == "karpenter",
            # not the device plugins: a pod that needs a device waits for its node, and that is longer
            ready=tuple(self._token(namespace)),
            guard=self.guard,
            operators=installed.needs,
        )
        patience = clusters.Patience(wait=self._settings.wait, capacity=self._settings.capacity_timeout)
        outputs = clusters.carry_out(run, made, patience, self._everywhere)
        extras = eks_extras.make(self._base(network, cluster, core), self._settings, addons, namespace, claim)
        told = {name: pulumi.Output.concat(made.kubectl, " ", words) for name, words in extras.items()}
        return {**self._outputs(cluster, results), **outputs, **told}

    def _base(self, network: Network, cluster: Cluster, core: CoreNodes) -> eks_nodes.Base:
        return eks_nodes.Base(
            network=network,
            cluster=cluster,
            core=core,
            version=self._version,
            region=aws.config.region or "",
            account_id=aws.get_caller_identity_output(opts=self._ask()).account_id,
            tags=self._tags,
            mirror=self._keys.charts.mirror,
            opts=self._everywhere,
        )

    def _ask(self) -> pulumi.InvokeOptions:
        return pulumi.InvokeOptions(provider=self._account)

    def _network(self) -> Network:
        given = self._keys.network
        zones = look_up(self._settings.nodes.instance_type, given.zone, self._ask())
        args = NetworkArgs(
            discovery=self._label,
            region=aws.config.region or "",
            zones=(zones.apply(lambda one: one.control_plane[0]), zones.apply(lambda one: one.control_plane[1])),
            training_zone=zones.apply(lambda one: one.training),
            primary_cidr=given.primary_cidr,
            secondary_cidr=given.node_cidr,
            nat=given.nat,
            interface_endpoints=given.interface_endpoints,
        )
        return Network("network", args, self._in_aws)

    def _file_system(self, network: Network) -> FileSystem:
        given = self._keys.storage
        args = FileSystemArgs(
            vpc_id=network.vpc_id,
            subnet_id=network.storage_subnet_id,
            client_cidrs=[network.secondary_cidr],
            capacity=given.capacity,
            throughput=given.throughput,
            data=given.data,
        )
        return FileSystem("files", args, self._in_aws)

    def _cluster(self, network: Network) -> Cluster:
        given = self._keys.cluster
        access = {
            name: Access(principal_arn=one.principal_arn, policy=one.policy, namespaces=one.namespaces)
            for name, one in sorted(given.access.items())
        }
        args = ClusterArgs(
            label=self._label,
            version=given.kubernetes,
            addons=self._version.addons,
            vpc_id=network.vpc_id,
            subnet_ids=network.control_plane_subnet_ids,
            public_access_cidrs=given.public_access_cidrs,
            access=access,
            service_cidr=self._keys.network.service_cidr,
            profile=aws.config.profile,
        )
        return Cluster("cluster", args, pulumi.ResourceOptions(providers=[self._account]))

    def _core_nodes(self, network: Network, cluster: Cluster) -> CoreNodes:
        # vpc-cni has rights of its own, so that nodes need none for it
        role = NodeRole("core-role", NodeRoleArgs(network=False), self._in_aws)
        count = self._keys.cluster.core_nodes
        args = CoreNodesArgs(
            cluster_name=cluster.name_for_nodes,
            kubernetes_version=cluster.version,
            image_release=self._version.image_release,
            node_role_arn=role.arn,
            subnet_ids=network.node_subnet_ids,
            security_group_id=cluster.security_group_id,
            min_size=count,
            max_size=count + 2,
            tags=self._tags,
        )
        return CoreNodes("core", args, self._in_aws)

    def _addons(self, cluster: Cluster, core: CoreNodes) -> Addons:
        args = AddonsArgs(
            cluster_name=cluster.name,
            versions=self._version.addons,
            nodes=core.node_group_name,
            node_selector=ON_CORE,
        )
        return Addons("addons", args, self._everywhere)

    def _operators(self, run: Run, core: CoreNodes) -> operators.Operators:
        """Installed once there are nodes for them to run on."""
        opts = pulumi.ResourceOptions.merge(self._everywhere, pulumi.ResourceOptions(depends_on=[core]))
        return operators.install(run, self._keys.charts.mirror, ON_CORE, opts)

    def _namespace(self, cluster: Cluster, nodes: eks_nodes.Nodes) -> pulumi.Output[str]:
        """The namespace of all that a recipe runs: there once nodes can come for it, and gone before they cannot."""
        made = kubernetes.core.v1.Namespace(
            "namespace",
            metadata=ObjectMetaArgs(name=NAMESPACE, labels={"pod-security.kubernetes.io/warn": "baseline"}),
            opts=pulumi.ResourceOptions.merge(self._everywhere, pulumi.ResourceOptions(depends_on=[*nodes.pools])),
        )
        return made.metadata.apply(lambda _: NAMESPACE)

    def _claim(self, files: FileSystem, namespace: pulumi.Output[str], addons: Addons) -> pulumi.Output[str]:
        args = VolumeArgs(
            namespace=namespace,
            file_system_id=files.file_system_id,
            dns_name=files.dns_name,
            mount_name=files.mount_name,
            capacity=files.capacity,
        )
        # the driver unmounts what pods leave: it goes after them
        return once(Volume("shared", args, self._everywhere).claim, addons.lustre.arn)

    def _step_account(self, cluster: Cluster, namespace: pulumi.Output[str], results: Results) -> pulumi.Output[str]:
        args = StepAccountArgs(
            cluster_name=cluster.name_for_nodes,
            namespace=namespace,
            namespace_name=NAMESPACE,
            bucket_arn=results.arn,
        )
        return StepAccount("steps", args, self._everywhere).account

    def _guard(self, run: Run, target: pulumi.Output[str]) -> DestroyGuardArgs | None:
        """The volume always goes with the stack; the bucket does where it is the stack's own and not to be kept."""
        given = self._settings.results
        account = {"AWS_PROFILE": aws.config.profile, "AWS_REGION": aws.config.region}
        named = {name: value for name, value in account.items() if value}
        return guard.args(run, target, goes=not (given.keep or given.bucket), account=named)

    def _token(self, namespace: pulumi.Output[str]) -> list[pulumi.Resource]:
        return [clusters.token_secret(namespace, self._everywhere)] if self._settings.has_token else []

    def _outputs(self, cluster: Cluster, results: Results) -> dict[str, Any]:
        region = f" --region {aws.config.region}" if aws.config.region else ""
        profile = f" --profile {aws.config.profile}" if aws.config.profile else ""
        told = f"{region}{profile} --alias {self._label}"
        return {
            "kubeconfig": pulumi.Output.concat("aws eks update-kubeconfig --name ", cluster.name, told),
            "cluster": cluster.name,
            "bucket": results.name,
            "destroy": f"pulumi destroy --stack {pulumi.get_stack()}",
        }
