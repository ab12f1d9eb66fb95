"""Which zone trains, and which the control plane stands in."""

from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks

from components.zones import Zone, Zones, control_plane_zones, look_up, training_zone
from stacks import recorder
from stacks.config import RawConfig

ZONES = ["us-west-2a", "us-west-2b", "us-west-2c"]


def test_the_first_zone_by_name_trains_whatever_the_order_of_the_answers() -> None:
    for offers in (["us-west-2c", "us-west-2b"], ["us-west-2b", "us-west-2c"]):
        for zones in (ZONES, ZONES[::-1]):
            assert training_zone(offers, zones, None, instance_type="trn1.32xlarge") == "us-west-2b"


def test_the_zone_that_is_wanted_trains_if_it_offers_the_type() -> None:
    assert training_zone(ZONES, ZONES, "us-west-2c", instance_type="trn1.32xlarge") == "us-west-2c"


def test_a_zone_that_is_closed_to_the_account_does_not_train() -> None:
    assert training_zone(["us-west-2-lax-1a", "us-west-2b"], ZONES, None, instance_type="x") == "us-west-2b"


@pytest.mark.parametrize(
    ("offers", "wanted", "said"),
    [
        ([], None, "No zone of this region offers trn2.48xlarge"),
        ([], "us-west-2a", "No zone of this region offers trn2.48xlarge"),
        (["us-west-2b"], "us-west-2a", "us-west-2a does not offer trn2.48xlarge"),
        (["us-west-2b"], "eu-west-1a", "eu-west-1a is no zone of this region"),
    ],
)
def test_one_clear_error_names_type_and_zones_and_what_to_do(offers: list[str], wanted: str | None, said: str) -> None:
    with pytest.raises(ValueError, match=said) as error:
        training_zone(offers, ZONES, wanted, instance_type="trn2.48xlarge")
    for part in ("trn2.48xlarge", "us-west-2a, us-west-2b, us-west-2c", "Choose "):
        assert part in str(error.value)


def test_the_control_plane_takes_the_first_two_zones_that_eks_takes() -> None:
    zones = [Zone("us-east-1c", "use1-az1"), Zone("us-east-1b", "use1-az2"), Zone("us-east-1a", "use1-az3")]
    assert control_plane_zones(zones) == ("us-east-1b", "us-east-1c")


def test_a_region_with_one_zone_for_a_control_plane_is_refused() -> None:
    with pytest.raises(ValueError, match="needs two zones"):
        control_plane_zones([Zone("ca-central-1a", "cac1-az1"), Zone("ca-central-1d", "cac1-az3")])


def answers(offers: list[str]) -> Any:
    """AWS's answers to the two questions, after checking what was asked."""

    def call(_: Any, args: mocks.MockCallArgs) -> dict[Any, Any]:
        if args.token == "aws:index/getAvailabilityZones:getAvailabilityZones":
            return {"names": ZONES, "zoneIds": ["usw2-az1", "usw2-az2", "usw2-az3"]}
        assert args.token == "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings"
        assert args.args["locationType"] == "availability-zone"
        assert args.args["filters"] == [{"name": "instance-type", "values": ["trn1.32xlarge"]}]
        return {"locations": offers}

    return call


def looked_up(offers: list[str], monkeypatch: pytest.MonkeyPatch) -> recorder.Recording:
    monkeypatch.setattr(recorder._Echo, "call", answers(offers))

    def program() -> None:
        zones: pulumi.Output[Zones] = look_up("trn1.32xlarge", None)
        pulumi.export("training", zones.apply(lambda known: known.training))
        pulumi.export("control_plane", zones.apply(lambda known: list(known.control_plane)))

    return recorder.record(program, RawConfig({}, frozenset()), "test")


def test_the_zones_are_looked_up_live(monkeypatch: pytest.MonkeyPatch) -> None:
    found = looked_up(["us-west-2c", "us-west-2b"], monkeypatch)
    assert found.outputs == {"training": "us-west-2b", "control_plane": ["us-west-2a", "us-west-2b"]}
    assert found.resources == []


def test_a_type_that_is_nowhere_stops_the_program_with_that_sentence_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    error = looked_up([], monkeypatch).error
    assert error
    assert error.startswith("No zone of this region offers trn1.32xlarge.")
    assert len(error.splitlines()) == 1
