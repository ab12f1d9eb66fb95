"""What the machines of a run cost: known from the settings alone, before anything is declared.

A step pays for its machines from their start until they have been idle for a while: steps × nodes × hours × price.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from workloads.recipes import Step
from workloads.recipes.step import Neuron, ThisMachine

from . import durations, plan_words, prices
from .run import Run


@dataclass(frozen=True, slots=True)
class StepPrice:
    """What one step's machines cost while they are there: its nodes, and those that its launcher has beside them. None
    where no price of theirs is listed."""

    step: str
    machine: str
    nodes: int
    beside: tuple[str, ...]
    hours: float
    dollars: float | None

    def __str__(self) -> str:
        spent = "not listed" if self.dollars is None else f"${self.dollars:.2f}"
        return f"{self.step} {spent} ({plan_words.machines(self)} for {self.hours:.2f} h)"


@dataclass(frozen=True, slots=True)
class MachinePrice:
    """What all machines of a run cost. Their volumes, some cents a day, and the platform come on top."""

    steps: float | None
    """While steps are at work."""
    waiting: float | None
    """While they start, pull the image, and stay idle afterwards."""
    total: float | None
    each: tuple[StepPrice, ...]


def machine_price(chosen: Sequence[Step], idle: timedelta) -> MachinePrice:
    """Of the steps `chosen`, if a node without work stays for `idle`."""
    each = tuple(_of_step(step, idle) for step in chosen)
    whole, steps = total(one.dollars for one in each), total(step.dollars for step in chosen)
    return MachinePrice(steps, None if whole is None or steps is None else whole - steps, whole, each)


def _of_step(step: Step, idle: timedelta) -> StepPrice:
    place = step.placement
    hours, dollars = held(step, idle) / 60, held_dollars(step, idle)
    return StepPrice(step.name, place.machine, place.nodes, step.beside, hours, dollars)


def held(step: Step, idle: timedelta) -> float:
    """Minutes for which a step's machines are paid for: from their start until they have been idle for `idle`."""
    node = durations.TRAINIUM_NODE if isinstance(step.placement, Neuron) else durations.PROCESSOR_NODE
    return node.minutes + durations.IMAGE_PULL.minutes + step.minutes + idle.total_seconds() / 60


def held_dollars(step: Step, idle: timedelta) -> float | None:
    """What a step's machines cost for that time, without their volumes."""
    return _product(hourly(step), held(step, idle) / 60)


def _product(dollars: float | None, hours: float) -> float | None:
    return None if dollars is None else dollars * hours


def trainium_dollars(run: Run, idle: timedelta) -> float | None:
    """What a run's Trainium nodes cost for as long as it holds them, without their volumes."""
    return total(
        _product(nodes_hour(step.placement.machine, step.placement.nodes, 0), held(step, idle) / 60)
        for step in run.chosen
        if isinstance(step.placement, Neuron)
    )


def hourly(step: Step, gib: float = 0) -> float | None:
    """Dollars an hour of the machines that a step holds, with root volumes of `gib`."""
    if isinstance(step.placement, ThisMachine):
        return 0.0
    beside = (nodes_hour(machine, 1, gib) for machine in step.beside)
    return total((nodes_hour(step.placement.machine, step.placement.nodes, gib), *beside))


def nodes_hour(machine: str, count: float, gib: float) -> float | None:
    """Dollars an hour of `count` machines, with root volumes of `gib`."""
    dollars = prices.machine_hour(machine)
    return None if dollars is None else count * (dollars + prices.volume_hour(gib))


def total(parts: Iterable[float | None]) -> float | None:
    """The sum; None as soon as one part is unknown."""
    known = 0.0
    for part in parts:
        if part is None:
            return None
        known += part
    return known
