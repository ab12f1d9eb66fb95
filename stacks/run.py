"""What a stack is to carry out: a recipe with its parameters, the steps that follow, and their hashes. Plain data."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from workloads.recipes import Fleet, Parameters, Recipe, Step, hashing
from workloads.recipes.step import RESUME_FROM, Earlier, Image


@dataclass(frozen=True, slots=True)
class Run:
    """`steps` are all of the recipe's, in order; `chosen` those that this run is to carry out."""

    recipe: Recipe
    parameters: Parameters
    fleet: Fleet | None
    steps: tuple[Step, ...]
    chosen: tuple[Step, ...]
    hashes: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What of a recipe to carry out: the steps from `first` to `last`, both included; without them, all.

    `images` takes the place of the recipe's own, by their names; a step that resumes begins from `resume_from`.
    """

    first: str | None = None
    last: str | None = None
    images: Mapping[str, str] | None = None
    resume_from: Earlier | None = None


def make_run(recipe: Recipe, parameters: Parameters, fleet: Fleet | None, choice: Choice | None = None) -> Run:
    """The run of `recipe`; KeyError for a step that it lacks."""
    choice = choice or Choice()
    own = tuple(_chosen(step, choice) for step in recipe.steps(parameters, fleet))
    steps = recipe.whole(own, parameters)
    places = {step.name: place for place, step in enumerate(steps)}
    start = places[choice.first] if choice.first else 0
    stop = places[choice.last] + 1 if choice.last else len(steps)
    return Run(recipe, parameters, fleet, steps, steps[start:stop], hashing.hashes(steps))


def _chosen(step: Step, choice: Choice) -> Step:
    given = (choice.images or {}).get(step.image.name) if step.image else None
    if step.image and given:
        step = replace(step, image=Image(step.image.name, given))
    if choice.resume_from and step.resumes and step.name == choice.resume_from.step:
        step = replace(step, arguments={**step.arguments, RESUME_FROM: choice.resume_from})
    return step
