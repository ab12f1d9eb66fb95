"""What the launch templates of all node groups have in common: encryption, guarded metadata, tags."""

from collections.abc import Mapping

import pulumi
from pulumi_aws.ec2 import (
    LaunchTemplateBlockDeviceMappingArgs,
    LaunchTemplateBlockDeviceMappingEbsArgs,
    LaunchTemplateMetadataOptionsArgs,
    LaunchTemplateTagSpecificationArgs,
)

ROOT_DEVICE = "/dev/xvda"
"""The root volume of EKS's AL2023 images."""

NODE_TEMPLATE = "k8s.io/cluster-autoscaler/node-template/resources/"
"""Tags of this prefix tell the autoscaler what a node will have beside vCPUs and memory, while there is none yet."""

TAGGED = ("instance", "volume", "network-interface")
"""What a launch makes, and the AWS provider's default tags never reach."""


def root_volume(gib: int) -> LaunchTemplateBlockDeviceMappingArgs:
    return LaunchTemplateBlockDeviceMappingArgs(
        device_name=ROOT_DEVICE,
        ebs=LaunchTemplateBlockDeviceMappingEbsArgs(
            volume_type="gp3", volume_size=gib, encrypted="true", delete_on_termination="true"
        ),
    )


def metadata_options(hop_limit: int) -> LaunchTemplateMetadataOptionsArgs:
    """Instance metadata by session token only. With one hop it, and the node's role with it, is out of pods' reach."""
    return LaunchTemplateMetadataOptionsArgs(
        http_endpoint="enabled",
        http_tokens="required",
        http_put_response_hop_limit=hop_limit,
        instance_metadata_tags="disabled",
    )


def tag_specifications(tags: Mapping[str, pulumi.Input[str]]) -> list[LaunchTemplateTagSpecificationArgs]:
    return [LaunchTemplateTagSpecificationArgs(resource_type=kind, tags=tags) for kind in TAGGED] if tags else []
