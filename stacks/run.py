"""What a stack is to carry out: a recipe with its parameters, the steps that follow, and their hashes. Plain data."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from workloads.launchers.arguments import folder
from workloads.programs.run import plan as plans
from workloads.recipes import Fleet, Parameters, Recipe, Step, hashing
from workloads.recipes.keeping import FACTS
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
    steps = recipe.whole(own)
    return Run(recipe, parameters, fleet, steps, in_range(steps, choice.first, choice.last), hashing.hashes(steps))


def in_range(steps: tuple[Step, ...], first: str | None, last: str | None) -> tuple[Step, ...]:
    """Those from `first` to `last`, both included; KeyError for one that is not among them."""
    places = {step.name: place for place, step in enumerate(steps)}
    start = places[first] if first else 0
    stop = places[last] + 1 if last else len(steps)
    return steps[start:stop]


def _chosen(step: Step, choice: Choice) -> Step:
    given = (choice.images or {}).get(step.image.name) if step.image else None
    if step.image and given:
        step = replace(step, image=Image(step.image.name, given))
    if choice.resume_from and step.resumes and step.name == choice.resume_from.step:
        step = replace(step, arguments={**step.arguments, RESUME_FROM: choice.resume_from})
    return step


def plan_of(run: Run, digests: Mapping[str, str], capacity: timedelta) -> plans.Plan:
    """What carries the run out is handed; `digests` has one of each chosen step's objects."""
    names = [step.name for step in run.chosen]
    folders = {step.name: folder(run.recipe.name, step.name, run.hashes[step.name]) for step in run.steps}
    steps = tuple(
        plans.StepPlan(
            name=step.name,
            hash=run.hashes[step.name],
            config_map=f"step-{step.name}-{run.hashes[step.name]}",
            digest=digests[step.name],
            folder=folders[step.name],
            needs=step.waits_for(names),
            limit_seconds=step.limit_hours * 3600,
        )
        for step in run.chosen
    )
    needed = {name: folders[name] for step in run.chosen for name in step.needs}
    return plans.Plan(run.recipe.name, steps, needed, capacity.total_seconds())


def with_facts(run: Run, facts: str) -> Run:
    """`run`, with what its last step writes into the run card beside what the steps' folders tell, as JSON."""

    def told(step: Step) -> Step:
        return replace(step, tuning={**step.tuning, FACTS: facts}) if FACTS in step.tuning else step

    return replace(run, steps=tuple(map(told, run.steps)), chosen=tuple(map(told, run.chosen)))
