"""Managed Trainium nodes: EFA, placement, reservations, and what lets them be scaled up from nothing."""

import base64
import json
from collections.abc import Mapping
from email import message_from_string
from typing import Any

import pytest
from pulumi_aws import sqs

from components.trainium import Reservation, TrainiumType
from components.trainium_nodes import (
    TrainiumNodes,
    TrainiumNodesArgs,
    network_interfaces,
    node_template_tags,
    user_data,
)
from stacks.recorder import Recording
from tests.components.recorded import all_of, only, recorded, waits_for

TYPES = [
    TrainiumType(name="trn1.2xlarge", devices=1),
    TrainiumType(name="trn1.32xlarge", devices=16, efa_interfaces=8),
    TrainiumType(name="trn1n.32xlarge", devices=16, efa_interfaces=16),
    TrainiumType(name="trn2.48xlarge", devices=16, efa_interfaces=16),
]
BIG = TYPES[1]
ARGS: dict[str, Any] = {
    "cluster_name": "yard",
    "kubernetes_version": "1.35",
    "image_release": "1.35.7-20260911",
    "node_role_arn": "arn:aws:iam::123456789012:role/trainium",
    "subnet_id": "subnet-training",
    "security_group_id": "sg-1",
    "instance": BIG,
    "max_size": 4,
}
BLOCK = Reservation(id="cr-0123", kind="capacity-block")
RESERVED = Reservation(id="cr-0123")


def built(**more: Any) -> Recording:
    def program() -> None:
        nodes = TrainiumNodes("nodes", TrainiumNodesArgs(**ARGS | more))
        sqs.Queue("user", name=nodes.node_group_name)

    return recorded(program)


def template(**more: Any) -> Mapping[str, Any]:
    return only(built(**more), "LaunchTemplate").inputs


def group(**more: Any) -> Mapping[str, Any]:
    return only(built(**more), "NodeGroup").inputs


@pytest.mark.parametrize("instance", TYPES, ids=lambda one: one.name)
def test_every_network_card_has_an_efa_interface_in_the_clusters_security_group(instance: TrainiumType) -> None:
    made = template(instance=instance)
    cards = made.get("networkInterfaces", [])
    assert [one["networkCardIndex"] for one in cards] == list(range(instance.efa_interfaces))
    assert all(one["securityGroups"] == ["sg-1"] for one in cards)
    assert [one["interfaceType"] for one in cards[:1]] == ["efa"][: len(cards)]
    assert {one["interfaceType"] for one in cards[1:]} <= {"efa-only"}


def test_only_the_first_card_has_device_0_where_the_nodes_address_is() -> None:
    assert [one.device_index for one in network_interfaces(BIG, "sg-1")] == [0] + [1] * 7


def test_without_efa_the_node_is_in_the_security_group_by_itself() -> None:
    made = template(instance=TYPES[0])
    assert "networkInterfaces" not in made
    assert made["vpcSecurityGroupIds"] == ["sg-1"]


def test_with_efa_groups_stand_in_the_interfaces_alone_as_ec2_demands() -> None:
    assert "vpcSecurityGroupIds" not in template()


def test_nodes_with_efa_stand_in_a_cluster_placement_group() -> None:
    recording = built()
    assert only(recording, "PlacementGroup").inputs["strategy"] == "cluster"
    assert "nodes-placement" in waits_for(recording, "nodes-template")


@pytest.mark.parametrize("more", [{"instance": TYPES[0]}, {"reservation": RESERVED}, {"reservation": BLOCK}])
def test_without_efa_or_with_reserved_capacity_there_is_no_placement_group(more: dict[str, Any]) -> None:
    recording = built(**more)
    assert all_of(recording, "PlacementGroup") == []
    assert "placement" not in only(recording, "LaunchTemplate").inputs


def test_capacity_that_was_reserved_in_a_placement_group_is_launched_there() -> None:
    recording = built(reservation=Reservation(id="cr-0123", placement_group="mine"))
    assert all_of(recording, "PlacementGroup") == []
    assert only(recording, "LaunchTemplate").inputs["placement"] == {"groupName": "mine"}


@pytest.mark.parametrize("reservation", [RESERVED, BLOCK], ids=lambda one: one.kind)
def test_a_reservation_is_targeted_so_that_nothing_else_is_bought(reservation: Reservation) -> None:
    asked = template(reservation=reservation)["capacityReservationSpecification"]
    assert asked == {"capacityReservationTarget": {"capacityReservationId": "cr-0123"}}


def test_a_capacity_block_has_its_own_market_and_its_instance_type_in_the_template() -> None:
    made = template(reservation=BLOCK)
    assert made["instanceMarketOptions"] == {"marketType": "capacity-block"}
    assert made["instanceType"] == "trn1.32xlarge"
    assert group(reservation=BLOCK)["capacityType"] == "CAPACITY_BLOCK"


@pytest.mark.parametrize("reservation", [None, RESERVED], ids=["none", "on-demand"])
def test_anything_else_is_on_demand(reservation: Reservation | None) -> None:
    assert "instanceMarketOptions" not in template(reservation=reservation)
    assert group(reservation=reservation)["capacityType"] == "ON_DEMAND"


def test_eks_chooses_the_image_of_the_release_and_the_template_names_none() -> None:
    made = group()
    assert (made["amiType"], made["releaseVersion"]) == ("AL2023_x86_64_NEURON", "1.35.7-20260911")
    assert "imageId" not in template()
    # EKS refuses an instance type in both places
    assert "instanceTypes" not in made


def test_the_user_data_is_one_part_for_nodeadm_that_joins_the_instance_store() -> None:
    message = message_from_string(user_data())
    assert message.get_content_type() == "multipart/mixed"
    (part,) = [one for one in message.walk() if not one.is_multipart()]
    assert part.get_content_type() == "application/node.eks.aws"
    config = json.loads(str(part.get_payload()))
    assert config["apiVersion"] == "node.eks.aws/v1alpha1"
    assert config["spec"] == {"instance": {"localStorage": {"strategy": "RAID0"}}}
    assert base64.b64decode(template()["userData"]).decode() == user_data()


def test_the_root_volume_is_encrypted_and_large_enough_for_neuron_images() -> None:
    (device,) = template()["blockDeviceMappings"]
    assert device["ebs"]["encrypted"] == "true"
    assert device["ebs"]["volumeType"] == "gp3"
    assert device["ebs"]["volumeSize"] >= 200


def test_metadata_takes_a_token_and_is_out_of_pods_reach_unless_asked_for() -> None:
    assert template()["metadataOptions"]["httpTokens"] == "required"
    assert template()["metadataOptions"]["httpPutResponseHopLimit"] == 1
    assert template(metadata_hop_limit=2)["metadataOptions"]["httpPutResponseHopLimit"] == 2


def test_only_pods_that_mean_it_come_to_a_trainium_node() -> None:
    made = group()
    assert made["taints"] == [{"key": "aws.amazon.com/neuron", "value": "present", "effect": "NO_SCHEDULE"}]
    assert made["labels"] == {"trainyard.dev/nodes": "trainium"}


def test_the_group_starts_empty_in_one_subnet_and_its_size_is_the_autoscalers() -> None:
    made = only(built(), "NodeGroup")
    assert made.inputs["scalingConfig"] == {"desiredSize": 0, "minSize": 0, "maxSize": 4}
    assert made.inputs["subnetIds"] == ["subnet-training"]
    assert list(made.request.ignoreChanges) == ["scalingConfig.desiredSize"]


def test_the_autoscaler_is_told_what_a_node_will_have_before_there_is_one() -> None:
    prefix = "k8s.io/cluster-autoscaler/node-template/resources/"
    assert node_template_tags(BIG) == {
        f"{prefix}aws.amazon.com/neuron": "16",
        f"{prefix}vpc.amazonaws.com/efa": "8",
        f"{prefix}hugepages-2Mi": "10256Mi",
    }
    assert node_template_tags(TYPES[0]) == {f"{prefix}aws.amazon.com/neuron": "1"}
    made = {one.inputs["tag"]["key"]: one.inputs["tag"] for one in all_of(built(), "Tag")}
    assert {key: tag["value"] for key, tag in made.items()} == node_template_tags(BIG)
    assert not any(tag["propagateAtLaunch"] for tag in made.values())


def test_the_groups_name_is_known_once_the_tags_are_there() -> None:
    assert {"nodes-group", "nodes-neuron", "nodes-efa"} <= waits_for(built(), "user")


def test_instances_carry_the_stacks_tags() -> None:
    specifications = template(tags={"trainyard:stack": "dev"})["tagSpecifications"]
    assert {one["resourceType"] for one in specifications} == {"instance", "volume", "network-interface"}
