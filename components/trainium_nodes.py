"""Trainium nodes as a managed node group, of one instance type in one zone."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message

import pulumi
import pulumi_aws as aws
from pulumi_aws.ec2 import (
    LaunchTemplateCapacityReservationSpecificationArgs,
    LaunchTemplateCapacityReservationSpecificationCapacityReservationTargetArgs,
    LaunchTemplateInstanceMarketOptionsArgs,
    LaunchTemplateNetworkInterfaceArgs,
    LaunchTemplatePlacementArgs,
)

from .node_template import NODE_TEMPLATE, metadata_options, root_volume, tag_specifications
from .outputs import once
from .trainium import (
    EFA,
    NEURON,
    NODES_LABEL,
    TAINT_KEY,
    TAINT_VALUE,
    TRAINIUM,
    Reservation,
    TrainiumType,
    needs_placement_group,
)

HUGE_PAGES = ("hugepages-2Mi", f"{5128 * 2}Mi")
"""What images with EFA set aside at boot (5128 pages of 2 MiB: EKS user guide, node-efa)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainiumNodesArgs:
    """`cluster_name` is known once vpc-cni and kube-proxy are there: no node becomes ready before.

    `image_release` is the release of EKS's AL2023 images, which belongs to `kubernetes_version`.
    """

    cluster_name: pulumi.Input[str]
    kubernetes_version: pulumi.Input[str]
    image_release: pulumi.Input[str]
    node_role_arn: pulumi.Input[str]
    subnet_id: pulumi.Input[str]
    """One subnet: EFA and a cluster placement group do not reach beyond a zone, and reservations are in one."""
    security_group_id: pulumi.Input[str]
    """The cluster's own, which lets nodes talk to each other over EFA."""
    instance: TrainiumType
    max_size: int
    min_size: int = 0
    desired_size: int = 0
    """To begin with. Afterwards it is the autoscaler's."""
    reservation: Reservation | None = None
    root_volume_gib: int = 200
    metadata_hop_limit: int = 1
    """2 lets pods reach the instance's metadata, and the node's role with it: only where one of them needs to."""
    tags: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """Tags of instances, their volumes and network interfaces."""


class TrainiumNodes(pulumi.ComponentResource):
    """A managed node group that the autoscaler takes from `min_size` to `max_size`; by default none runs while idle.

    A running node costs its instance type's price ($21.50 an hour for a trn1.32xlarge on demand in us-east-1, from
    Karpenter 1.14.1's price list of 2026-07-20) and $0.02 for its volume. A capacity block is paid for beforehand. It
    ends by AWS's clock: EKS takes its nodes away 40 minutes before, and nobody is asked.
    """

    node_group_name: pulumi.Output[str]
    """Known once the group can be scaled up from nothing."""

    def __init__(self, name: str, args: TrainiumNodesArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("trainyard:components:TrainiumNodes", name, {}, opts)
        template = self._template(name, args)
        group = self._group(name, args, template)
        # a deleted group takes its Auto Scaling group along, tags and all
        scaled = group.resources[0].autoscaling_groups[0].name
        tags = [
            aws.autoscaling.Tag(
                f"{name}-{key.rpartition('/')[2]}",
                autoscaling_group_name=scaled,
                tag=aws.autoscaling.TagTagArgs(key=key, value=value, propagate_at_launch=False),
                opts=pulumi.ResourceOptions(parent=self, deleted_with=group),
            )
            for key, value in node_template_tags(args.instance).items()
        ]
        self.node_group_name = once(group.node_group_name, *(tag.id for tag in tags))
        self.register_outputs({"node_group_name": self.node_group_name})

    def _template(self, name: str, args: TrainiumNodesArgs) -> aws.ec2.LaunchTemplate:
        fabric = network_interfaces(args.instance, args.security_group_id)
        return aws.ec2.LaunchTemplate(
            f"{name}-template",
            instance_type=args.instance.name,
            block_device_mappings=[root_volume(args.root_volume_gib)],
            metadata_options=metadata_options(args.metadata_hop_limit),
            network_interfaces=fabric or None,
            vpc_security_group_ids=None if fabric else [args.security_group_id],
            placement=self._placement(name, args),
            capacity_reservation_specification=reservation_target(args.reservation),
            instance_market_options=market_options(args.reservation),
            user_data=base64.b64encode(user_data().encode()).decode(),
            tag_specifications=tag_specifications(args.tags),
            update_default_version=True,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _placement(self, name: str, args: TrainiumNodesArgs) -> LaunchTemplatePlacementArgs | None:
        if needs_placement_group(args.instance, args.reservation):
            group = aws.ec2.PlacementGroup(
                f"{name}-placement", strategy="cluster", opts=pulumi.ResourceOptions(parent=self)
            )
            return LaunchTemplatePlacementArgs(group_name=group.name)
        reserved_in = args.reservation.placement_group if args.reservation else None
        return LaunchTemplatePlacementArgs(group_name=reserved_in) if reserved_in else None

    def _group(self, name: str, args: TrainiumNodesArgs, template: aws.ec2.LaunchTemplate) -> aws.eks.NodeGroup:
        return aws.eks.NodeGroup(
            f"{name}-group",
            cluster_name=args.cluster_name,
            version=args.kubernetes_version,
            release_version=args.image_release,
            ami_type="AL2023_x86_64_NEURON",
            capacity_type="CAPACITY_BLOCK" if args.reservation and args.reservation.is_block else "ON_DEMAND",
            node_role_arn=args.node_role_arn,
            subnet_ids=[args.subnet_id],
            labels={NODES_LABEL: TRAINIUM},
            taints=[aws.eks.NodeGroupTaintArgs(key=TAINT_KEY, value=TAINT_VALUE, effect="NO_SCHEDULE")],
            scaling_config=aws.eks.NodeGroupScalingConfigArgs(
                desired_size=args.desired_size, min_size=args.min_size, max_size=args.max_size
            ),
            launch_template=aws.eks.NodeGroupLaunchTemplateArgs(
                id=template.id, version=template.latest_version.apply(str)
            ),
            update_config=aws.eks.NodeGroupUpdateConfigArgs(max_unavailable=1),
            node_repair_config=aws.eks.NodeGroupNodeRepairConfigArgs(enabled=True),
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["scalingConfig.desiredSize"]),
        )


def network_interfaces(
    instance: TrainiumType, security_group_id: pulumi.Input[str]
) -> list[LaunchTemplateNetworkInterfaceArgs]:
    """An EFA interface on each card. The first carries the node's and its pods' addresses too; the others take none."""
    return [
        LaunchTemplateNetworkInterfaceArgs(
            network_card_index=card,
            device_index=1 if card else 0,
            interface_type="efa-only" if card else "efa",
            security_groups=[security_group_id],
            delete_on_termination="true",
        )
        for card in range(instance.efa_interfaces)
    ]


def reservation_target(reservation: Reservation | None) -> LaunchTemplateCapacityReservationSpecificationArgs | None:
    """With a target EC2 launches into it or not at all: what is not reserved is never bought."""
    if reservation is None:
        return None
    target = LaunchTemplateCapacityReservationSpecificationCapacityReservationTargetArgs(
        capacity_reservation_id=reservation.id
    )
    return LaunchTemplateCapacityReservationSpecificationArgs(capacity_reservation_target=target)


def market_options(reservation: Reservation | None) -> LaunchTemplateInstanceMarketOptionsArgs | None:
    is_block = reservation is not None and reservation.is_block
    return LaunchTemplateInstanceMarketOptionsArgs(market_type="capacity-block") if is_block else None


def user_data() -> str:
    """What nodeadm reads before EKS's own part: the instance store becomes one volume for kubelet and containerd."""
    node_config = {
        "apiVersion": "node.eks.aws/v1alpha1",
        "kind": "NodeConfig",
        "spec": {"instance": {"localStorage": {"strategy": "RAID0"}}},
    }
    part = Message()
    part["Content-Type"] = "application/node.eks.aws"
    part.set_payload(json.dumps(node_config, sort_keys=True))
    whole = Message()
    whole["MIME-Version"] = "1.0"
    whole["Content-Type"] = 'multipart/mixed; boundary="trainyard"'
    whole.attach(part)
    return whole.as_string()


def node_template_tags(instance: TrainiumType) -> dict[str, str]:
    """What a node will have that no instance type tells: without it the autoscaler starts none for pods that ask."""
    fabric = {EFA: str(instance.efa_interfaces), HUGE_PAGES[0]: HUGE_PAGES[1]} if instance.efa_interfaces else {}
    resources = {NEURON: str(instance.devices)} | fabric
    return {f"{NODE_TEMPLATE}{name}": value for name, value in resources.items()}
