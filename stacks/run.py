"""What a stack is to carry out: a recipe with its parameters, the steps that follow, and their hashes. Plain data."""

from collections.abc import Mapping
from dataclasses import dataclass

from workloads.recipes import Fleet, Parameters, Recipe, Step, hashing


@dataclass(frozen=True, slots=True)
class Run:
    """`steps` are all of the recipe's, in order; `chosen` those that this run is to carry out."""

    recipe: Recipe
    parameters: Parameters
    fleet: Fleet | None
    steps: tuple[Step, ...]
    chosen: tuple[Step, ...]
    hashes: Mapping[str, str]


def make_run(
    recipe: Recipe, parameters: Parameters, fleet: Fleet | None, first: str | None = None, last: str | None = None
) -> Run:
    """The run of `recipe` from its step `first` to its step `last`, both included; KeyError for a step it lacks."""
    steps = recipe.steps(parameters, fleet)
    places = {step.name: place for place, step in enumerate(steps)}
    start = places[first] if first else 0
    stop = places[last] + 1 if last else len(steps)
    return Run(recipe, parameters, fleet, steps, steps[start:stop], hashing.hashes(steps))
