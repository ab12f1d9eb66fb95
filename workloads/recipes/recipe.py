"""A recipe as plain data: a model, its parameters, what it can run on, and the steps that follow from them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict

from ..hardware import InstanceType, trainium
from .keeping import KEEP, keep
from .step import Folder, Neuron, Step, ThisMachine


class Parameters(BaseModel):
    """What a user may set with `trainyard:parameters`. Names are those of the program's own arguments."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    def uses_token(self) -> bool:
        """Whether something it names is gated, so that a Hugging Face token is needed."""
        return False

    def misfits(self, fleet: "Fleet | None") -> dict[str, str]:
        """What cannot work together, by parameter: a sentence that says what is wrong and what is allowed.

        `fleet` is None on this machine.
        """
        return {}


@dataclass(frozen=True, slots=True)
class Fleet:
    """The Trainium nodes that a recipe may train on."""

    instance: InstanceType
    nodes: int
    efa: bool

    @property
    def neuron_cores(self) -> int:
        return self.nodes * self.instance.neuron_cores

    def ranks(self, degree: int) -> int:
        """Data-parallel ranks: of all NeuronCores, each `degree` hold a copy of the model together."""
        return self.neuron_cores // degree


def every_node(fleet: Fleet | None) -> Neuron | ThisMachine:
    """Where training runs: on all nodes of `fleet`, and without one on this machine."""
    return Neuron(fleet.instance, fleet.nodes, fleet.efa) if fleet else ThisMachine()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One training recipe.

    `parameters` are those of the real run. `rehearsal` is a subclass of it whose defaults fit this machine's CPU, and
    which may add a few of its own. `steps` makes the steps from either, on the fleet given; None is this machine.
    """

    name: str
    summary: str
    seed_guide: str
    parameters: type[Parameters]
    rehearsal: type[Parameters]
    instances: tuple[str, ...]
    most_nodes: int
    results: Mapping[str, Folder]
    """What a person looks for afterwards, and which step leaves it: `model`, `report`, `tensorboard` …"""
    steps: Callable[[Any, Fleet | None], tuple[Step, ...]]
    """All but the last, `keep`, which every recipe has alike."""
    keep: Mapping[str, Folder] | None = None
    """What goes to the results target when all is done; without it, `results`. Of checkpoints the newest alone goes."""
    only_on_neuron: Mapping[str, str] = field(default_factory=dict)
    """The steps that a rehearsal leaves out because they need a Neuron device, each with the reason."""

    def whole(self, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        """`steps`, and `keep` after them."""
        return (*steps, keep(self.name, self.results if self.keep is None else self.keep, steps))

    def step_names(self, *, rehearsal: bool) -> list[str]:
        """The names of its steps in order, as they are with default parameters."""
        if rehearsal:
            return [*(step.name for step in self.steps(self.rehearsal(), None)), KEEP]
        fleet = Fleet(trainium(self.instances[0]), 1, efa=False)
        return [*(step.name for step in self.steps(self.parameters(), fleet)), KEEP]
