"""Facts that both provisioners go by."""

import pytest

from components.trainium import Reservation, TrainiumType, needs_placement_group

WITH_EFA = TrainiumType(name="trn1.32xlarge", devices=16, efa_interfaces=8)
WITHOUT_EFA = TrainiumType(name="trn1.2xlarge", devices=1)


def test_nodes_with_efa_are_brought_close_together() -> None:
    assert needs_placement_group(WITH_EFA, None)
    assert not needs_placement_group(WITHOUT_EFA, None)


@pytest.mark.parametrize("kind", ["on-demand", "capacity-block"])
def test_no_group_of_our_own_is_put_around_capacity_that_was_reserved_outside_of_it(kind: str) -> None:
    assert not needs_placement_group(WITH_EFA, Reservation(id="cr-1", kind=kind))  # pyright: ignore[reportArgumentType]


def test_a_capacity_block_cannot_be_said_to_be_in_a_placement_group() -> None:
    with pytest.raises(ValueError, match="cr-1: a capacity block is in no placement group"):
        Reservation(id="cr-1", kind="capacity-block", placement_group="mine")
