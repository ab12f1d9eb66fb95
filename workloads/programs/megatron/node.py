"""Which node of an MPIJob this is, from what mpirun tells its processes."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import UserError

RANK, SIZE = "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"
MEETING_PORT = 41000
"""Where train_setup.sh has them meet; the launcher may say another."""


@dataclass(frozen=True)
class Place:
    """This node among `nodes`, from 0; `first` and `port` are where all of them meet."""

    node: int
    nodes: int
    first: str
    port: int = MEETING_PORT


def place(environment: Mapping[str, str]) -> Place:
    """The place of this process; without mpirun the only one. UserError for several nodes with no place to meet."""
    node, nodes = int(environment.get(RANK, "0")), int(environment.get(SIZE, "1"))
    if nodes == 1:
        return Place(0, 1, "localhost")
    if "MASTER_ADDR" not in environment:
        raise UserError("MASTER_ADDR is not set: it is to name the first node, for mpirun to pass on to all of them.")
    return Place(node, nodes, environment["MASTER_ADDR"], int(environment.get("MASTER_PORT", MEETING_PORT)))


def check_together(here: Place, nodes: int) -> None:
    """UserError where another number of nodes came than the step's arithmetic is made for."""
    if here.nodes != nodes:
        raise UserError(
            f"{here.nodes} nodes were started, and the step is for {nodes}: the batch would be another one."
        )
