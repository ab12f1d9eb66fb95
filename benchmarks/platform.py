"""How long a platform takes until it trains, and what a run holds of Trainium: worked out from plans, not measured."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import get_args

from stacks import config, durations, program
from stacks.critical_path import CriticalPath, critical_path
from stacks.groups import Nodes, Provisioner
from stacks.prices import machine_hour
from stacks.recorder import record
from stacks.run import Run, make_run
from stacks.run_price import trainium_dollars
from stacks.settings import read
from workloads.hardware import trainium
from workloads.recipes import RECIPES, Fleet, Recipe

Row = tuple[str, ...]

CONTAINER_AIM = "25 minutes, 15%"


@dataclass(frozen=True, slots=True)
class SeedsWay:
    """How a guide goes about it by hand: all steps on the Trainium nodes, which are there from `before` the first
    until `after` the last. Minutes, the least that can be; what somebody takes to come back and clean up is in none."""

    before: float
    after: float


IMAGE_BUILD = 10
"""In guide 001; 000, 001 and 003 build theirs by hand once the cluster is there, with its nodes."""
KARPENTER_IDLE = 5
"""WhenEmpty after 300 s in guide 004's node pool."""

SEEDS = {
    "000": SeedsWay(before=IMAGE_BUILD, after=0),
    "001": SeedsWay(before=IMAGE_BUILD, after=0),
    "002": SeedsWay(before=0, after=0),
    "003": SeedsWay(before=IMAGE_BUILD, after=0),
    "004": SeedsWay(before=0, after=KARPENTER_IDLE),
}


def paths() -> Iterator[Row]:
    """One row a provisioner."""
    for provisioner in get_args(Provisioner):
        path = dev_path(provisioner)
        if path:
            container = f"{path.container.minutes:.1f}, {path.excess:.0%} over {path.unavoidable:.1f}"
            after = (f"{minutes:.1f}" for minutes in (path.with_image, path.cold, path.warm))
            yield (provisioner, container, CONTAINER_AIM, *after)


def dev_path(provisioner: Provisioner) -> CriticalPath | None:
    """The critical path of the dev stack, were it to bring its nodes by `provisioner`."""
    given = config.from_file("dev")
    raw = replace(given, values={**given.values, "platform": "eks", "provisioner": provisioner})
    recording = record(program.stand_up, raw, "dev")
    return critical_path(recording.resources, program.run_of(read(raw)))


def trainium_held() -> Iterator[Row]:
    """One row a recipe, with its default parameters on the first of its instance types."""
    idle: timedelta = Nodes.model_validate({}).idle
    for recipe in RECIPES.values():
        run = default_run(recipe)
        ours, seeds = trainium_dollars(run, idle), seeds_dollars(run)
        if ours is not None and seeds is not None:
            yield recipe.name, recipe.seed_guide, f"{ours:.2f}", f"{seeds:.2f}", f"{ours / seeds:.0%}"


def default_run(recipe: Recipe) -> Run:
    instance = trainium(recipe.instances[0])
    return make_run(recipe, recipe.parameters(), Fleet(instance, 1, efa=instance.efa_interfaces > 0))


def seeds_dollars(run: Run) -> float | None:
    """What the Trainium nodes of a guide cost for the same work at the same speed."""
    hourly = machine_hour(run.fleet.instance.name) if run.fleet else None
    if run.fleet is None or hourly is None:
        return None
    way = SEEDS[run.recipe.seed_guide]
    start = durations.TRAINIUM_NODE.minutes + durations.IMAGE_PULL.minutes
    minutes = way.before + start + sum(step.minutes for step in run.chosen) + way.after
    return run.fleet.nodes * hourly * minutes / 60
