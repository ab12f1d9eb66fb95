"""Reserved capacity. moto knows no reservations: they are planted."""

from datetime import UTC, datetime
from typing import Any

import pytest

from stacks.aws.account import Account
from stacks.groups import Reservation
from stacks.preflight.finding import Finding
from stacks.preflight.reservation import reservation
from tests.stacks.planted import Refused, plant
from tests.stacks.preflight.stand import dev, offer

THERE = {
    "CapacityReservationId": "cr-1",
    "State": "active",
    "InstanceType": "trn1.32xlarge",
    "AvailabilityZone": "us-west-2d",
    "TotalInstanceCount": 4,
    "AvailableInstanceCount": 4,
    "ReservationType": "default",
}


def found(account: Account, kind: str = "on-demand", nodes: int = 4, **changes: Any) -> Finding:
    offer(account, "trn1.32xlarge", "us-west-2d")
    plant(account, "ec2", "DescribeCapacityReservations", {"CapacityReservations": [{**THERE, **changes}]})
    return reservation(account, dev(reservation=Reservation(id="cr-1", kind=kind, placement_group=None), nodes=nodes))  # pyright: ignore[reportArgumentType]


def test_without_one_there_is_nothing_to_check(account: Account) -> None:
    assert reservation(account, dev()).ok


def test_one_that_is_active_large_enough_and_in_the_zone_is_ok(account: Account) -> None:
    told = found(account)
    assert told.ok, told
    assert "4 × trn1.32xlarge in us-west-2d" in told.text


def test_a_capacity_blocks_end_is_told(account: Account) -> None:
    end = datetime(2026, 12, 1, 11, 30, tzinfo=UTC)
    told = found(account, kind="capacity-block", ReservationType="capacity-block", EndDate=end)
    assert told.ok
    assert "until 2026-12-01 11:30 UTC" in told.text


@pytest.mark.parametrize(
    ("changes", "text", "mend"),
    [
        ({"State": "expired"}, "is expired", None),
        (
            {"State": "scheduled", "StartDate": datetime(2026, 12, 1, 11, 30, tzinfo=UTC)},
            "is scheduled, and begins 2026-12-01 11:30 UTC",
            None,
        ),
        ({"InstanceType": "trn1.2xlarge"}, "is for trn1.2xlarge", "nodes.instanceType trn1.2xlarge"),
        ({"ReservationType": "capacity-block"}, "is capacity-block", "nodes.reservation.kind capacity-block"),
        ({"AvailabilityZone": "us-west-2a"}, "trains in us-west-2d", "network.zone us-west-2a"),
        ({"AvailableInstanceCount": 3}, "has 3 of its 4 machines free", "nodes.count 3"),
    ],
)
def test_what_does_not_fit_is_told_with_what_mends_it(
    account: Account, changes: dict[str, Any], text: str, mend: str | None
) -> None:
    told = found(account, **changes)
    assert not told.ok
    assert text in told.text
    assert mend is None or (told.mend and mend in told.mend)


def test_machines_of_the_stacks_own_in_it_are_not_missing_from_it(account: Account) -> None:
    tags = [{"Key": "trainyard:stack", "Value": "dev"}]
    own = {"InstanceId": "i-1", "InstanceType": "trn1.32xlarge", "CapacityReservationId": "cr-1", "Tags": tags}
    plant(account, "ec2", "DescribeInstances", {"Reservations": [{"Instances": [own]}]})
    assert found(account, AvailableInstanceCount=3).ok


def test_one_that_is_not_there_is_told(account: Account) -> None:
    plant(account, "ec2", "DescribeCapacityReservations", Refused("InvalidCapacityReservationId.NotFound"))
    told = reservation(account, dev(reservation=Reservation(id="cr-2", kind="on-demand", placement_group=None)))
    assert not told.ok
    assert "cr-2 is not in us-west-2" in told.text
