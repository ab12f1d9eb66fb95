"""Which node of an MPIJob this is, from what mpirun and the operator tell its processes."""

import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import UserError

RANK, SIZE = "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"

_WORKER = re.compile(r"(?P<job>.+-worker)-\d+(?P<domain>(\..+)?)")


@dataclass(frozen=True)
class Place:
    """This node among `nodes`, from 0; `first` is the name under which the others reach the first."""

    node: int
    nodes: int
    first: str


def place(environment: Mapping[str, str], hostname: str | None = None) -> Place:
    """The place of this process; without mpirun the only one. UserError for a host that is no worker of an MPIJob."""
    node, nodes = int(environment.get(RANK, "0")), int(environment.get(SIZE, "1"))
    if nodes == 1:
        return Place(0, 1, "localhost")
    name = hostname or socket.getfqdn()
    match = _WORKER.fullmatch(name)
    if match is None:
        raise UserError(
            f"The host {name} is not named as a worker of an MPIJob is: the first node cannot be told from it."
        )
    return Place(node, nodes, f"{match['job']}-0{match['domain']}")


def check_together(here: Place, nodes: int) -> None:
    """UserError where another number of nodes came than the step's arithmetic is made for."""
    if here.nodes != nodes:
        raise UserError(
            f"{here.nodes} nodes were started, and the step is for {nodes}: the batch would be another one."
        )
