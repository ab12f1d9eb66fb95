"""The nodes that are always there, for add-ons and controllers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from .node_template import NODE_TEMPLATE, metadata_options, root_volume, tag_specifications
from .trainium import CORE, NODES_LABEL


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreNodesArgs:
    """`cluster_name` is known once vpc-cni and kube-proxy are there: no node becomes ready before.

    `image_release` is the release of EKS's AL2023 images, which belongs to `kubernetes_version`.
    """

    cluster_name: pulumi.Input[str]
    kubernetes_version: pulumi.Input[str]
    image_release: pulumi.Input[str]
    node_role_arn: pulumi.Input[str]
    subnet_ids: Sequence[pulumi.Input[str]]
    security_group_id: pulumi.Input[str]
    """The cluster's own: a launch template that names none leaves the nodes without it."""
    instance_types: Sequence[str] = ("m7i.xlarge",)
    min_size: int = 2
    max_size: int = 4
    root_volume_gib: int = 100
    labels: Mapping[str, str] = field(default_factory=lambda: {NODES_LABEL: CORE})
    tags: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """Tags of instances, their volumes and network interfaces."""


class CoreNodes(pulumi.ComponentResource):
    """A managed node group that starts with `min_size` nodes; what scales it later is left alone.

    Two m7i.xlarge cost $0.40 an hour (on demand in us-east-1, from Karpenter 1.14.1's price list of 2026-07-20), and
    their volumes $0.02 (gp3 at $0.08 a GB and month).
    """

    node_group_name: pulumi.Output[str]
    """Known once its nodes are ready."""

    def __init__(self, name: str, args: CoreNodesArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("trainyard:components:CoreNodes", name, {}, opts)
        template = self._template(name, args)
        group = aws.eks.NodeGroup(
            f"{name}-group",
            cluster_name=args.cluster_name,
            version=args.kubernetes_version,
            release_version=args.image_release,
            ami_type="AL2023_x86_64_STANDARD",
            instance_types=args.instance_types,
            node_role_arn=args.node_role_arn,
            subnet_ids=args.subnet_ids,
            labels=args.labels,
            # what the kubelet lets pods have of the root volume: image builds ask for it
            tags={f"{NODE_TEMPLATE}ephemeral-storage": f"{args.root_volume_gib * 4 // 5}Gi"},
            scaling_config=aws.eks.NodeGroupScalingConfigArgs(
                desired_size=args.min_size, min_size=args.min_size, max_size=args.max_size
            ),
            launch_template=aws.eks.NodeGroupLaunchTemplateArgs(
                id=template.id, version=template.latest_version.apply(str)
            ),
            update_config=aws.eks.NodeGroupUpdateConfigArgs(max_unavailable=1),
            node_repair_config=aws.eks.NodeGroupNodeRepairConfigArgs(enabled=True),
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["scalingConfig.desiredSize"]),
        )
        self.node_group_name = group.node_group_name
        self.register_outputs({"node_group_name": self.node_group_name})

    def _template(self, name: str, args: CoreNodesArgs) -> aws.ec2.LaunchTemplate:
        return aws.ec2.LaunchTemplate(
            f"{name}-template",
            block_device_mappings=[root_volume(args.root_volume_gib)],
            metadata_options=metadata_options(hop_limit=1),
            vpc_security_group_ids=[args.security_group_id],
            tag_specifications=tag_specifications(args.tags),
            update_default_version=True,
            opts=pulumi.ResourceOptions(parent=self),
        )
