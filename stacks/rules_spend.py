"""The rule that holds a run to `trainyard:maxSpend`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .mistakes import Mistake
from .plan_words import PRICES
from .run import in_range
from .run_price import MachinePrice, machine_price

if TYPE_CHECKING:
    from .settings import Settings

MAX_SPEND = ("maxSpend",)


def limit(settings: "Settings") -> Iterator[Mistake]:
    """Refuses a run whose machines would cost more than `trainyard:maxSpend`, or whose price nobody can tell."""
    most = settings.keys.max_spend
    if not most or settings.platform == "local":
        return
    steps = settings.recipe.whole(settings.recipe.steps(settings.parameters, settings.fleet))
    asked = settings.steps
    if not {asked.first, asked.last} <= {None, *(step.name for step in steps)}:
        return  # the rule about steps tells it
    price = machine_price(in_range(steps, asked.first, asked.last), settings.nodes.idle)
    if price.total is None:
        unlisted = sorted({one.machine for one in price.each if one.dollars is None})
        yield Mistake(
            MAX_SPEND,
            f"cannot be held to: no price is listed for {', '.join(unlisted)}. Take another instance type, or leave "
            "the key out and bound what you pay by what you reserve.",
        )
    elif price.total > most:
        yield Mistake(MAX_SPEND, f"{_arithmetic(price, most)} {_REMEDY}")


def _arithmetic(price: MachinePrice, most: float) -> str:
    """Why a run is too dear, from the step that costs most."""
    dearest = sorted(price.each, key=lambda one: -(one.dollars or 0))
    sums = " + ".join(map(str, dearest))
    return f"a run would cost ${price.total:.2f}, and the limit is ${most:g}: {sums}, {_LISTED}."


_LISTED = f"{PRICES}, with the machines' start and end"
_REMEDY = "Run fewer steps (trainyard:steps) or train for less (trainyard:parameters), or raise the limit."
