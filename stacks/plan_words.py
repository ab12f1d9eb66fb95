"""A plan in words and rows, the same on a terminal and on a page: each number is put into words once, here."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workloads.hardware import PRICE_DATE, PRICE_REGION

if TYPE_CHECKING:
    from .critical_path import CriticalPath, Link
    from .plan import Plan, PlannedStep
    from .receipt import Receipt
    from .run_price import MachinePrice, StepPrice

PRICES = f"on demand in {PRICE_REGION}, {PRICE_DATE}"
PATH_TITLE = "From nothing to the first Trainium container, preparation left out"
PATH_CAPTION = "Without any wait for capacity: AWS promises none of these times."
COSTS_TITLE = "What it costs"
COSTS_COLUMN = f"dollars an hour, in {PRICE_REGION}"

SHORT = 0.1
"""Minutes. What takes less is counted, and not shown."""


def span(minutes: float) -> str:
    """A time as people say it: in hours from two of them on."""
    return f"{minutes:.1f} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def money(dollars: float | None, digits: int = 2) -> str:
    return "not listed" if dollars is None else f"{dollars:.{digits}f}"


def steps_caption(plan: "Plan") -> str:
    return f"Minutes are expected ones, prices {plan.prices}."


def machines(step: "PlannedStep | StepPrice") -> str:
    return " and ".join(each_machine(step))


def each_machine(step: "PlannedStep | StepPrice") -> list[str]:
    """A step's nodes, and what its launcher has beside them."""
    counts = Counter({step.machine: step.nodes}) + Counter(step.beside)
    return [f"{count} × {machine}" for machine, count in counts.items()]


def state(step: "PlannedStep") -> str:
    """What a step's name is followed by, where there is something to say."""
    if not step.chosen:
        return "left out"
    return "done before" if step.done else ""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a bill. `level` is detail, sum or run: each starts a part of its own."""

    what: str
    dollars: str
    level: str


def costs(receipt: "Receipt") -> Iterator[Row]:
    for line in receipt.lines:
        yield Row(line.what, money(line.dollars_per_hour, 3), "detail")
    yield Row("while training", money(receipt.training), "sum")
    yield Row("while idle: the last step's machine, until it goes", money(receipt.idle), "sum")
    yield Row("after scale-down: no Trainium or CPU node", money(receipt.scaled_down), "sum")
    yield Row("a month of that, if the stack is forgotten", money(receipt.month), "sum")
    run = receipt.run
    parts = f"steps {money(run.steps)}, machines' start and end {money(run.waiting)}"
    yield Row(f"a run: {parts}, platform and volumes {money(run.platform)}", money(run.total), "run")


def costs_notes(receipt: "Receipt") -> list[str]:
    unknown = [f"No price is known for: {', '.join(receipt.unknown)}."] if receipt.unknown else []
    return [*unknown, f"By use, on top: {'; '.join(receipt.by_use)}."]


def outputs(receipt: "Receipt | None", machines: "MachinePrice") -> dict[str, str]:
    """Dollars among a stack's outputs; without a receipt there are the run's machines alone."""
    told = {"runMachines": money(machines.total)}
    if receipt:
        told |= {
            "run": money(receipt.run.total),
            "hourWhileTraining": money(receipt.training),
            "hourWhileIdle": money(receipt.idle),
            "hourAfterScaleDown": money(receipt.scaled_down),
            "monthIfForgotten": money(receipt.month),
        }
    return {**told, "prices": PRICES}


def links(path: "CriticalPath") -> list["Link"]:
    return [link for link in path.container.links if link.minutes >= SHORT]


def path_sums(path: "CriticalPath") -> list[tuple[str, str]]:
    """Minutes from nothing, each with what is there by then."""
    longer = f"{path.excess:.0%} more than a control plane, two nodes and an image's pull"
    return [
        (f"{path.container.minutes:.1f}", f"in all: {longer} ({path.unavoidable:.1f})"),
        (f"{path.with_image:.1f}", "with its image built first"),
        (f"{path.cold:.1f}", "first training step, all prepared, nothing compiled before"),
        (f"{path.warm:.1f}", "the same with a compile cache"),
    ]
