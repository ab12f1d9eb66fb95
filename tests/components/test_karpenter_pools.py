"""Karpenter's pools: they buy what was asked for and no more, and go in an order that leaves nothing behind."""

from typing import Any

import pytest
from pulumi_aws import sqs

from components.karpenter_pools import KarpenterPools, KarpenterPoolsArgs, ProcessorPool, TrainiumPool, trainium_pool
from components.trainium import Reservation, TrainiumType
from stacks.recorder import Recorded, Recording
from tests.components.crds import definition, faults, needs_definitions
from tests.components.recorded import all_of, only, recorded, waits_for

BIG = TrainiumType(name="trn1.32xlarge", devices=16, efa_interfaces=8)
SMALL = TrainiumType(name="trn1.2xlarge", devices=1)
BLOCK = Reservation(id="cr-0123", kind="capacity-block")
RESERVED = Reservation(id="cr-0123")


def pool(**more: Any) -> TrainiumPool:
    args: dict[str, Any] = {"instance": BIG, "subnet_id": "subnet-7", "nodes": 2}
    return TrainiumPool(**args | more)


def built(trainium: TrainiumPool | None = None, **more: Any) -> Recording:
    def program() -> None:
        profile = sqs.Queue("karpenter").name
        args: dict[str, Any] = {
            "instance_profile": profile,
            "image_alias": "al2023@v20260911",
            "security_group_id": "sg-1",
            "processors": ProcessorPool(subnet_ids=["subnet-7", "subnet-8"], vcpus=96),
            "trainium": trainium,
        }
        pools = KarpenterPools("pools", KarpenterPoolsArgs(**args | more))
        sqs.Queue("work", name=pools.trainium or pools.processors)

    return recorded(program)


def made(recording: Recording, kind: str, name: str) -> Recorded:
    (found,) = [one for one in all_of(recording, kind) if one.inputs["metadata"]["name"] == name]
    return found


def spec(recording: Recording, kind: str, name: str) -> dict[str, Any]:
    return made(recording, kind, name).inputs["spec"]


def node_class(name: str = "trainium", **more: Any) -> dict[str, Any]:
    return spec(built(pool(**more)), "EC2NodeClass", name)


def node_pool(name: str = "trainium", **more: Any) -> dict[str, Any]:
    return spec(built(pool(**more)), "NodePool", name)


def required(of_pool: dict[str, Any]) -> dict[str, tuple[str, list[str]]]:
    return {one["key"]: (one["operator"], one["values"]) for one in of_pool["template"]["spec"]["requirements"]}


# --- what may be bought


@pytest.mark.parametrize(("instance", "nodes"), [(BIG, 1), (BIG, 4), (SMALL, 3)])
def test_the_limits_are_just_the_nodes_that_were_asked_for(instance: TrainiumType, nodes: int) -> None:
    assert node_pool(instance=instance, nodes=nodes)["limits"] == {
        "aws.amazon.com/neuron": str(nodes * instance.devices),
        "nodes": str(nodes),
    }


def test_no_other_machine_than_the_chosen_one_is_bought() -> None:
    assert required(node_pool())["node.kubernetes.io/instance-type"] == ("In", ["trn1.32xlarge"])
    assert required(node_pool())["kubernetes.io/arch"] == ("In", ["amd64"])


@pytest.mark.parametrize(
    ("reservation", "kinds"),
    [(None, ["reserved", "on-demand"]), (RESERVED, ["reserved", "on-demand"]), (BLOCK, ["reserved"])],
    ids=["none", "on-demand", "capacity-block"],
)
def test_reserved_capacity_comes_first_and_a_capacity_block_alone(
    reservation: Reservation | None, kinds: list[str]
) -> None:
    assert required(node_pool(reservation=reservation))["karpenter.sh/capacity-type"] == ("In", kinds)
    terms = node_class(reservation=reservation).get("capacityReservationSelectorTerms")
    assert terms == ([{"id": "cr-0123"}] if reservation else None)


def test_processors_are_modern_on_demand_and_limited() -> None:
    found = node_pool("processors")
    needs = required(found)
    assert needs["karpenter.sh/capacity-type"] == ("In", ["on-demand"])
    assert needs["karpenter.k8s.aws/instance-generation"] == ("Gt", ["6"])
    assert needs["karpenter.k8s.aws/instance-category"] == ("In", ["c", "m", "r"])
    assert needs["kubernetes.io/arch"] == ("In", ["amd64"])
    assert found["limits"] == {"cpu": "96"}


def test_without_training_there_is_no_pool_to_train_on() -> None:
    recording = built()
    assert [one.inputs["metadata"]["name"] for one in all_of(recording, "NodePool")] == ["processors"]
    assert all_of(recording, "PlacementGroup") == []


# --- how nodes are started


def test_a_trainium_node_stands_in_its_one_subnet_and_the_clusters_security_group() -> None:
    found = node_class()
    assert found["subnetSelectorTerms"] == [{"id": "subnet-7"}]
    assert found["securityGroupSelectorTerms"] == [{"id": "sg-1"}]
    assert [one["id"] for one in node_class("processors")["subnetSelectorTerms"]] == ["subnet-7", "subnet-8"]


def test_karpenter_attaches_efa_by_itself_where_a_pod_asks_for_it() -> None:
    found = node_class()
    assert "networkInterfaces" not in found
    # a launch with several interfaces and a public address fails
    assert "associatePublicIPAddress" not in found


def test_images_are_those_of_one_release() -> None:
    assert node_class()["amiSelectorTerms"] == [{"alias": "al2023@v20260911"}]


@pytest.mark.parametrize("name", ["trainium", "processors"])
def test_disks_are_encrypted_and_large_enough_for_neuron_images(name: str) -> None:
    (device,) = node_class(name)["blockDeviceMappings"]
    assert device["deviceName"] == "/dev/xvda"
    assert device["ebs"]["encrypted"] is True
    assert int(device["ebs"]["volumeSize"].removesuffix("Gi")) >= 200


@pytest.mark.parametrize("name", ["trainium", "processors"])
def test_metadata_takes_a_token_and_is_out_of_pods_reach(name: str) -> None:
    options = node_class(name)["metadataOptions"]
    assert (options["httpTokens"], options["httpPutResponseHopLimit"]) == ("required", 1)


def test_the_instance_store_holds_images_and_scratch_of_trainium_nodes() -> None:
    assert node_class()["instanceStorePolicy"] == "RAID0"
    assert "instanceStorePolicy" not in node_class("processors")


def test_nodes_with_efa_stand_in_a_placement_group_of_their_own() -> None:
    recording = built(pool())
    assert only(recording, "PlacementGroup").inputs["strategy"] == "cluster"
    assert "pools-placement" in waits_for(recording, "pools-trainium-class")
    assert "placementGroupSelector" in spec(recording, "EC2NodeClass", "trainium")


@pytest.mark.parametrize("more", [{"instance": SMALL}, {"reservation": RESERVED}, {"reservation": BLOCK}])
def test_without_efa_or_with_reserved_capacity_there_is_no_placement_group(more: dict[str, Any]) -> None:
    assert all_of(built(pool(**more)), "PlacementGroup") == []
    assert "placementGroupSelector" not in node_class(**more)


def test_capacity_that_was_reserved_in_a_placement_group_is_launched_there() -> None:
    found = node_class(reservation=Reservation(id="cr-0123", placement_group="mine"))
    assert found["placementGroupSelector"] == {"name": "mine"}


def test_all_that_karpenter_makes_carries_the_stacks_tags() -> None:
    found = spec(built(tags={"trainyard:stack": "dev"}), "EC2NodeClass", "processors")
    assert found["tags"] == {"trainyard:stack": "dev"}


# --- who may come, and how long nodes stay


def test_only_pods_that_mean_it_come_to_a_trainium_node() -> None:
    template = node_pool()["template"]
    assert template["spec"]["taints"] == [{"key": "aws.amazon.com/neuron", "value": "present", "effect": "NoSchedule"}]
    assert template["metadata"]["labels"] == {"trainyard.dev/nodes": "trainium"}
    processors = node_pool("processors")["template"]
    assert "taints" not in processors["spec"]
    assert processors["metadata"]["labels"] == {"trainyard.dev/nodes": "processors"}


@pytest.mark.parametrize("name", ["trainium", "processors"])
def test_no_node_is_ended_for_its_age_nor_by_a_grace_period_that_overrides_pods(name: str) -> None:
    template = node_pool(name)["template"]["spec"]
    assert template["expireAfter"] == "Never"
    assert "terminationGracePeriod" not in template


def test_trainium_nodes_go_when_they_have_been_empty_for_the_given_time_and_never_before() -> None:
    disruption = node_pool(idle="3m")["disruption"]
    assert disruption["consolidationPolicy"] == "WhenEmpty"
    assert disruption["consolidateAfter"] == "3m"


def test_all_empty_nodes_go_at_once() -> None:
    budgets = trainium_pool(pool())["disruption"]["budgets"]
    assert {"nodes": "100%", "reasons": ["Empty"]} in budgets


# --- the order in which they come and go


def test_a_pool_goes_before_its_class_and_both_before_what_karpenter_works_with() -> None:
    recording = built(pool())
    assert {"pools-trainium-class", "karpenter"} <= waits_for(recording, "pools-trainium-pool")
    assert "karpenter" in waits_for(recording, "pools-trainium-class")
    assert {"pools-processors-class", "karpenter"} <= waits_for(recording, "pools-processors-pool")


def test_what_runs_on_the_pools_goes_before_them() -> None:
    assert {"pools-trainium-pool", "pools-trainium-class"} <= waits_for(built(pool()), "work")
    assert "pools-processors-pool" in waits_for(built(), "work")


def test_deleting_a_pool_waits_for_its_nodes_and_has_the_time_for_it() -> None:
    recording = built(pool())
    for found in [*all_of(recording, "NodePool"), *all_of(recording, "EC2NodeClass")]:
        minutes = int(found.request.customTimeouts.delete.removesuffix("m"))
        assert minutes >= 20
    for found in all_of(recording, "NodePool"):
        annotations = found.inputs["metadata"]["annotations"]
        assert annotations["pulumi.com/deletionPropagationPolicy"] == "foreground"


def test_an_update_says_when_a_node_class_cannot_work() -> None:
    annotations = made(built(), "EC2NodeClass", "processors").inputs["metadata"]["annotations"]
    assert annotations["pulumi.com/waitFor"] == "condition=Ready"


def test_a_pool_names_the_class_that_is_made_for_it() -> None:
    for name in ("trainium", "processors"):
        reference = node_pool(name)["template"]["spec"]["nodeClassRef"]
        assert reference == {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": name}


# --- the schemas of Karpenter itself


CASES = [
    pool(),
    pool(instance=SMALL),
    pool(reservation=RESERVED),
    pool(reservation=BLOCK),
    pool(reservation=Reservation(id="cr-0123", placement_group="mine")),
]


@needs_definitions
@pytest.mark.parametrize("kind", ["EC2NodeClass", "NodePool"])
@pytest.mark.parametrize("case", CASES, ids=["plain", "small", "reserved", "block", "reserved-in-group"])
def test_karpenters_own_schemas_find_nothing_wrong(case: TrainiumPool, kind: str) -> None:
    schema = definition(kind, "v1")["properties"]["spec"]
    objects = all_of(built(case, tags={"trainyard:stack": "dev"}), kind)
    assert len(objects) == 2
    for found in objects:
        assert list(faults(known(found.inputs["spec"]), schema)) == []


def known(value: Any) -> Any:
    """`value` as it will be: what only AWS can tell in a preview gets some name."""
    if isinstance(value, dict):
        return {key: known(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [known(inner) for inner in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)  # in a request all numbers are floating
    return value if isinstance(value, (str, bool, int)) else "told-by-aws"


@needs_definitions
@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"instanceStorePolicy": "RAID1"}, "spec.instanceStorePolicy: 'RAID1' is none of"),
        ({"tag": {}}, "spec.tag is unknown"),
        ({"amiSelectorTerms": "al2023"}, "spec.amiSelectorTerms is no array"),
        ({"metadataOptions": {"httpPutHopLimit": 1}}, "spec.metadataOptions.httpPutHopLimit is unknown"),
        ({"securityGroupSelectorTerms": [{"id": "group-1"}]}, "spec.securityGroupSelectorTerms[0].id: 'group-1'"),
    ],
)
def test_the_check_against_schemas_tells_what_is_wrong(wrong: dict[str, Any], sentence: str) -> None:
    schema = definition("EC2NodeClass", "v1")["properties"]["spec"]
    told = list(faults(known(node_class()) | wrong, schema))
    assert len(told) == 1
    assert told[0].startswith(sentence)
    missing = {key: value for key, value in node_class().items() if key != "subnetSelectorTerms"}
    assert list(faults(known(missing), schema)) == ["spec lacks subnetSelectorTerms"]
