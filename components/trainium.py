"""What Trainium nodes are, whoever starts them: their hardware, how pods find them, and capacity set aside for them."""

from dataclasses import dataclass
from typing import Literal

NEURON = "aws.amazon.com/neuron"
EFA = "vpc.amazonaws.com/efa"

NODES_LABEL = "trainyard.dev/nodes"
"""Label of every node; its value says what the node is for."""
CORE, TRAINIUM, PROCESSORS = "core", "trainium", "processors"

TAINT_KEY, TAINT_VALUE = NEURON, "present"
"""The taint that keeps all pods off Trainium nodes but those that mean it. The Neuron device plugin tolerates this key
and no other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainiumType:
    """An EC2 instance type with `devices` Neuron devices each.

    `efa_interfaces` are those to use, one on each network card from the first: none on a type without EFA, or where it
    is not wanted.
    """

    name: str
    devices: int
    efa_interfaces: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Capacity that was reserved beforehand, by its id. `placement_group` names the one it was reserved in, if any."""

    id: str
    kind: Literal["on-demand", "capacity-block"] = "on-demand"
    placement_group: str | None = None

    def __post_init__(self) -> None:
        if self.placement_group and self.is_block:
            raise ValueError(f"{self.id}: a capacity block is in no placement group. AWS places its instances itself.")

    @property
    def is_block(self) -> bool:
        return self.kind == "capacity-block"


def needs_placement_group(instance: TrainiumType, reservation: Reservation | None) -> bool:
    """Whether nodes that talk over EFA are to be brought close together by a placement group made for them.

    Not where capacity is reserved: EC2 finds what is reserved outside of a placement group only outside of it, and
    offers the rest of the zone's, or nothing.
    """
    return instance.efa_interfaces > 0 and reservation is None
