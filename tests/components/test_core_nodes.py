"""The core nodes: encrypted, guarded, scaled by others."""

from collections.abc import Mapping
from typing import Any

from components.core_nodes import CoreNodes, CoreNodesArgs
from tests.components.recorded import only, recorded

ARGS: dict[str, Any] = {
    "cluster_name": "yard",
    "kubernetes_version": "1.35",
    "image_release": "1.35.7-20260911",
    "node_role_arn": "arn:aws:iam::123456789012:role/core",
    "subnet_ids": ["subnet-1", "subnet-2"],
    "security_group_id": "sg-1",
}


def inputs(kind: str, **more: Any) -> Mapping[str, Any]:
    return only(recorded(lambda: CoreNodes("core", CoreNodesArgs(**ARGS | more))), kind).inputs


def test_the_group_starts_with_its_least_size_on_plain_images_of_the_given_release() -> None:
    group = inputs("NodeGroup")
    assert group["scalingConfig"] == {"desiredSize": 2, "minSize": 2, "maxSize": 4}
    assert (group["amiType"], group["version"], group["releaseVersion"]) == (
        "AL2023_x86_64_STANDARD",
        "1.35",
        "1.35.7-20260911",
    )
    assert group["labels"] == {"trainyard.dev/nodes": "core"}


def test_what_scales_the_group_is_not_overruled_by_the_next_update() -> None:
    group = only(recorded(lambda: CoreNodes("core", CoreNodesArgs(**ARGS))), "NodeGroup")
    assert list(group.request.ignoreChanges) == ["scalingConfig.desiredSize"]


def test_a_nodes_disk_is_encrypted_and_its_metadata_out_of_pods_reach() -> None:
    template = inputs("LaunchTemplate", root_volume_gib=80)
    (device,) = template["blockDeviceMappings"]
    assert device["deviceName"] == "/dev/xvda"
    assert device["ebs"] == {
        "encrypted": "true",
        "volumeType": "gp3",
        "volumeSize": 80,
        "deleteOnTermination": "true",
    }
    options = template["metadataOptions"]
    assert (options["httpTokens"], options["httpPutResponseHopLimit"]) == ("required", 1)


def test_nodes_are_in_the_clusters_own_security_group() -> None:
    assert inputs("LaunchTemplate")["vpcSecurityGroupIds"] == ["sg-1"]


def test_instances_volumes_and_interfaces_carry_the_stacks_tags() -> None:
    specifications = inputs("LaunchTemplate", tags={"trainyard:stack": "dev"})["tagSpecifications"]
    assert {one["resourceType"]: one["tags"] for one in specifications} == {
        kind: {"trainyard:stack": "dev"} for kind in ("instance", "volume", "network-interface")
    }
