"""What to do next, from what is there: a pure function, asked again and again until it says that the run has ended.

Nothing is remembered between two calls. What a run did stands in the cluster: each object it made carries the run's own
mark, so that a failure of this run ends it, and one of an earlier run is tried again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from .plan import Plan, StepPlan
from .states import ACTIVE, ENDED, Phase, Seen

MARKER_GRACE_SECONDS = 60.0
"""How long after its end a step's marker may take to be seen: a shared file system may show it late."""

STUCK_SECONDS = 600.0
"""How long a container may fail to start for want of an image or a secret, which may only be late."""


@dataclass(frozen=True, slots=True)
class End:
    """The run has ended. `culprit` is the object that failed, where there is one."""

    ok: bool
    text: str
    culprit: Seen | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, in this order: stop, note, create; and then to end, or to look again. `status` is for people."""

    stop: tuple[Seen, ...] = ()
    note: tuple[Seen, ...] = ()
    """Objects all of whose pods run, for the first time: their limit counts from now."""
    create: tuple[StepPlan, ...] = ()
    end: End | None = None
    status: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """What there is: step objects, and of each step's folder what keeps it from being done (None when it is)."""

    objects: tuple[Seen, ...]
    problems: Mapping[str, str | None]
    run: str
    now: float

    def done(self, step: str) -> bool:
        return self.problems[step] is None


def decide(plan: Plan, view: View) -> Decision:
    """The next thing to do."""
    strays = tuple(one for one in view.objects if not wanted(one, plan))
    if strays:
        return Decision(_not_leaving(strays), status=f"stopping {_names(strays)}, which this run does not ask for")
    there = {one.step: one for one in view.objects}
    if all(view.done(step.name) for step in plan.steps):
        return _finish(plan, there, view)
    end = next(_failures(plan, there, view), None)
    if end:
        active = (one for one in there.values() if one.phase in ACTIVE)
        # the culprit last: once it leaves nobody can see any more that its time was up
        return Decision(tuple(sorted(active, key=lambda one: one is end.culprit)), end=end)
    stale = tuple(_stale(plan, there, view))
    return Decision(
        stop=stale,
        note=tuple(one for one in there.values() if one.phase is Phase.RUNNING and one.running_since is None),
        create=tuple(_ready(plan, there, view)),
        status=_status(plan, there, view),
    )


def wanted(one: Seen, plan: Plan) -> bool:
    """Whether the run asks for just this object: the same step, and made from the same manifest."""
    return any((one.step, one.hash, one.digest) == (step.name, step.hash, step.digest) for step in plan.steps)


def _not_leaving(objects: Iterable[Seen]) -> tuple[Seen, ...]:
    return tuple(one for one in objects if one.phase is not Phase.LEAVING)


def _finish(plan: Plan, there: Mapping[str, Seen], view: View) -> Decision:
    """All steps are done: the run has succeeded, once the pods of the last ones are gone or their time is up."""
    limits = {step.name: step.limit_seconds for step in plan.steps}
    active = [one for one in there.values() if one.phase in ACTIVE]
    over = tuple(one for one in active if view.now - (one.running_since or one.since) > limits[one.step])
    if active:
        return Decision(over, status=f"all steps are done; {_names(active)} is ending")
    return Decision(end=End(True, f"{plan.recipe}: all {len(plan.steps)} steps are done"))


def _failures(plan: Plan, there: Mapping[str, Seen], view: View) -> Iterator[End]:
    """Whatever ends the run without success, in the order of the steps."""
    for step in plan.steps:
        if view.done(step.name):
            continue
        yield from _missing_need(step, plan, view)
        one = there.get(step.name)
        text = one and _failure(one, step, plan, view)
        if text:
            yield End(False, f"step {step.name}: {text}", one)


def _missing_need(step: StepPlan, plan: Plan, view: View) -> Iterator[End]:
    for name in step.needs:
        if name not in plan.names and not view.done(name):
            yield End(
                False,
                f"step {step.name} needs {name}, which this run leaves out, and {plan.folders[name]} on the shared "
                f"volume {view.problems[name]}. Set trainyard:steps.from to {name}.",
            )


def _failure(one: Seen, step: StepPlan, plan: Plan, view: View) -> str | None:
    """Why the step that `one` carries out has failed in this run; None while it has not."""
    waited = view.now - one.since
    if one.hopeless or (one.phase is Phase.FAILED and one.run == view.run):
        return one.hopeless or one.reason
    if one.phase is Phase.SUCCEEDED and one.run == view.run and waited > MARKER_GRACE_SECONDS:
        return f"{one.kind} {one.name} ended well, but {step.folder} on the shared volume {view.problems[step.name]}"
    if one.phase in ACTIVE and one.running_since and view.now - one.running_since > step.limit_seconds:
        return f"stopped: it ran longer than its limit of {_hours(step.limit_seconds)}"
    if one.phase is Phase.WAITING and waited > plan.capacity_seconds:
        return (
            f"stopped: after {_hours(plan.capacity_seconds)} (trainyard:capacityTimeout) not all of its pods run: "
            f"{one.reason}"
        )
    if one.stuck and waited > STUCK_SECONDS:
        return f"stopped: a container of it cannot start: {one.reason}"
    return None


def _stale(plan: Plan, there: Mapping[str, Seen], view: View) -> Iterator[Seen]:
    """What goes for its step to be tried again: objects of an earlier run that ended without leaving a done folder, and
    those that cannot go on for a pod that is lost."""
    for step in plan.steps:
        one = there.get(step.name)
        if one is None or view.done(step.name):
            continue
        late = one.phase is Phase.SUCCEEDED and view.now - one.since <= MARKER_GRACE_SECONDS
        if one.crippled or (one.phase in ENDED and one.run != view.run and not late):
            yield one


def _ready(plan: Plan, there: Mapping[str, Seen], view: View) -> Iterator[StepPlan]:
    for step in plan.steps:
        if step.name not in there and not view.done(step.name) and all(view.done(name) for name in step.needs):
            yield step


def _names(objects: Sequence[Seen]) -> str:
    return ", ".join(one.name for one in objects)


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.3g} h" if seconds >= 3600 else f"{seconds / 60:.3g} min"


DONE = "done"
TO_COME = "to come"


@dataclass(frozen=True, slots=True)
class Standing:
    """How a step stands: `word` is DONE, TO_COME or its object's phase, `why` what it waits for or why it failed."""

    word: str
    why: str = ""

    def __str__(self) -> str:
        return f"{self.word} ({self.why})" if self.why else self.word


def standing(step: StepPlan, one: Seen | None, view: View) -> Standing:
    """How `step` stands, of which `one` is the object."""
    if view.done(step.name):
        return Standing(DONE)
    return Standing(one.phase.value, one.reason) if one else Standing(TO_COME)


def _status(plan: Plan, there: Mapping[str, Seen], view: View) -> str:
    """One line: each step and how it stands."""
    return ", ".join(f"{step.name} {standing(step, there.get(step.name), view)}" for step in plan.steps)


def told_done(status: str, plan: Plan) -> set[str]:
    """The steps that a status line, as a run prints it, tells to be done."""
    return {step.name for step in plan.steps if f", {step.name} {DONE}," in f", {status},"}
