"""The critical path: what has to come to be one after another before a Trainium container starts, and a model trains.

It is walked over the program's own dependency graph as a recording has it. What happens once the run is there (its
steps, their machines and images) follows from the recipe.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from workloads.recipes import Step
from workloads.recipes.step import Neuron

from . import durations
from .durations import Typical
from .recorder import Recorded
from .run import Run

RUN = "trainyard:components:Run"
IMAGE_BUILD = "trainyard:components:ImageBuild"
JOB = "kubernetes:batch/v1:Job"


@dataclass(frozen=True, slots=True)
class Task:
    """Something that takes its time once all of `after`, by their keys, are over."""

    key: str
    name: str
    typical: Typical
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """One task of a path, in minutes from the start of the update."""

    name: str
    began: float
    minutes: float
    source: str


@dataclass(frozen=True, slots=True)
class Path:
    links: tuple[Link, ...]
    minutes: float


@dataclass(frozen=True, slots=True)
class CriticalPath:
    """From nothing to training. `container` leaves preparation out: images to build, and steps before the first one on
    Trainium. The longest chain that no order of things avoids is `unavoidable`."""

    container: Path
    with_image: float
    """Minutes to the same container where its image is built first."""
    cold: float
    """Minutes to the first training step, all preparation done, nothing compiled by anybody before."""
    warm: float
    """The same with a compile cache."""
    unavoidable: float
    excess: float
    """By which share the path to the container is longer than that."""


UNAVOIDABLE = (durations.CONTROL_PLANE, durations.NODE_GROUP, durations.TRAINIUM_NODE, durations.IMAGE_PULL)
"""A control plane; a node for whatever brings the others; the Trainium node; its image."""


def critical_path(resources: Sequence[Recorded], run: Run) -> CriticalPath | None:
    """None where nothing is stood up for a run, or none of its steps needs Trainium."""
    first = next((step for step in run.chosen if isinstance(step.placement, Neuron)), None)
    if first is None or not any(_is_run(one) for one in resources):
        return None
    trains = next((step for step in run.chosen if step.resumes), first)
    tasks = graph(resources, run)
    builds = {one.urn for one in resources if _component(one.parent) == IMAGE_BUILD and one.type == JOB}
    steps = {_key(step.name, part) for step in run.chosen for part in PARTS if step is not first}
    unprepared = without(tasks, builds | steps)
    target = _key(first.name, "image")
    container = longest(unprepared, target)
    unavoidable = sum(one.minutes for one in UNAVOIDABLE)
    return CriticalPath(
        container=container,
        with_image=longest(without(tasks, steps), target).minutes,
        cold=_first_step(tasks, run, trains, durations.COMPILE_COLD),
        warm=_first_step(tasks, run, trains, durations.COMPILE_WARM),
        unavoidable=unavoidable,
        excess=container.minutes / unavoidable - 1,
    )


def graph(resources: Sequence[Recorded], run: Run) -> Mapping[str, Task]:
    """All that is made, and all that the run then carries out, by key: a resource's URN, or a step's name and part."""
    made = {one.urn: Task(one.urn, one.name, _typical(one), waits_for(one)) for one in resources}
    start = tuple(one.urn for one in resources if _is_run(one))
    chosen = {step.name for step in run.chosen}
    for step in run.chosen:
        needs = tuple(_key(name, "work") for name in step.waits_for(chosen) if name in chosen)
        made |= {task.key: task for task in _step(step, (*start, *needs))}
    return made


def waits_for(one: Recorded) -> tuple[str, ...]:
    """What a resource is registered after: its parent, its providers, and whatever its inputs and options name."""
    properties = (urn for value in one.request.propertyDependencies.values() for urn in value.urns)
    references = (one.request.provider, *one.request.providers.values())
    providers = (reference.rpartition("::")[0] for reference in references)
    return tuple(dict.fromkeys(urn for urn in (one.parent, *providers, *one.depends_on, *properties) if urn))


def longest(tasks: Mapping[str, Task], target: str) -> Path:
    """The chain that ends last at `target`; tasks that take no time are not in it."""
    ends: dict[str, float] = {}
    for key in _in_order(tasks, target):
        began = max((ends[one] for one in tasks[key].after if one in tasks), default=0.0)
        ends[key] = began + tasks[key].typical.minutes
    links: list[Link] = []
    key: str | None = target
    while key is not None:
        task = tasks[key]
        if task.typical.minutes:
            links.append(Link(task.name, ends[key] - task.typical.minutes, task.typical.minutes, task.typical.source))
        # of two that end together always the same, whatever order they were recorded in
        key = max((one for one in task.after if one in tasks), key=lambda one: (ends[one], one), default=None)
    return Path(tuple(reversed(links)), ends[target])


def needed_for(tasks: Mapping[str, Task], target: str) -> set[str]:
    """The keys of all that has to be over before `target` is, itself among them."""
    return set(_in_order(tasks, target))


def without(tasks: Mapping[str, Task], left_out: Collection[str]) -> Mapping[str, Task]:
    """The same with `left_out` taking no time; what waits for them still waits for what they wait for."""
    nothing = Typical(0, "left out")
    return {key: replace(task, typical=nothing) if key in left_out else task for key, task in tasks.items()}


def _in_order(tasks: Mapping[str, Task], target: str) -> Iterator[str]:
    """`target` and all that it waits for, each after what it waits for itself."""
    seen: set[str] = set()
    waiting = [(target, False)]
    while waiting:
        key, expanded = waiting.pop()
        if expanded:
            yield key
        elif key not in seen:
            seen.add(key)
            waiting.append((key, True))
            waiting += [(one, False) for one in tasks[key].after if one in tasks]


PARTS = ("node", "image", "work")


def _key(step: str, part: str) -> str:
    return f"step {step}: {part}"


def _step(step: Step, after: tuple[str, ...]) -> Iterator[Task]:
    """A machine of its own, though an earlier step's may still be there; the image; the work."""
    on_trainium = isinstance(step.placement, Neuron)
    node = durations.TRAINIUM_NODE if on_trainium else durations.PROCESSOR_NODE
    work = Typical(step.minutes, "the recipe")
    times = {"node": node, "image": durations.IMAGE_PULL, "work": work}
    for part, time in times.items():
        name = {"node": f"{step.name}: a {step.placement.machine}", "image": f"{step.name}: image pulled"}
        yield Task(_key(step.name, part), name.get(part, step.name), time, after)
        after = (_key(step.name, part),)


def _first_step(tasks: Mapping[str, Task], run: Run, trains: Step, compiling: Typical) -> float:
    """Minutes to the end of the first training step, as good as the begin of it.

    Where the run has a step that compiles, training finds its machine and image still there, and the cache filled.
    """
    before = [step for step in run.chosen if step.name in trains.after and step.placement == trains.placement]
    if not before:
        return longest(tasks, _key(trains.name, "image")).minutes + durations.LOAD.minutes + compiling.minutes
    there = without(tasks, {_key(trains.name, "node"), _key(trains.name, "image")})
    timed = {key: replace(there[key], typical=compiling) for key in (_key(step.name, "work") for step in before)}
    return longest({**there, **timed}, _key(trains.name, "image")).minutes + durations.LOAD.minutes


def _typical(one: Recorded) -> Typical:
    return durations.typical(one.type, _component(one.parent))


def _component(urn: str) -> str:
    """The type of the resource with that URN."""
    return urn.split("::")[2].rpartition("$")[2] if urn else ""


def _is_run(one: Recorded) -> bool:
    return one.type == JOB and _component(one.parent) == RUN
