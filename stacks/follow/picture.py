"""From what was seen in one look to what people want to know: pure functions."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

from workloads.programs.journal import Progress
from workloads.programs.run.decide import Standing, View, standing, wanted
from workloads.programs.run.plan import Plan, StepPlan
from workloads.programs.run.states import Phase, Seen

RECENT = 12
"""Of what a step told of its progress, how many of the last go into the time left: speed changes."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A step's progress at a time, in seconds since 1970."""

    at: float
    progress: Progress


@dataclass(frozen=True, slots=True)
class Heard:
    """What the current step says: its progress so far, in order, and its last lines."""

    moments: tuple[Moment, ...] = ()
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """How the whole run stands. `ok` is None while it has not ended."""

    text: str
    ok: bool | None = None


@dataclass(frozen=True, slots=True)
class Sight:
    """One look. Without a plan there is no run, and `verdict` says so."""

    where: str
    plan: Plan | None
    view: View
    verdict: Verdict
    heard: Heard = Heard()


@dataclass(frozen=True, slots=True)
class Row:
    """One step; `since` is when its phase began, in seconds since 1970."""

    step: StepPlan
    standing: Standing
    since: float | None


@dataclass(frozen=True, slots=True)
class Picture:
    """All there is to show. `trouble` is why the last look failed, where it did: the rest is then of an earlier one."""

    where: str
    recipe: str
    rows: tuple[Row, ...]
    current: str | None
    progress: Progress | None
    seconds_left: float | None
    lines: tuple[str, ...]
    verdict: Verdict
    now: float
    trouble: str = ""


def picture(sight: Sight) -> Picture:
    rows = tuple(_rows(sight))
    heard = sight.heard
    return Picture(
        where=sight.where,
        recipe=sight.plan.recipe if sight.plan else "",
        rows=rows,
        current=current(sight.plan, sight.view),
        progress=latest(heard.moments),
        seconds_left=seconds_left(heard.moments, sight.view.now),
        lines=heard.lines,
        verdict=sight.verdict,
        now=sight.view.now,
    )


def _rows(sight: Sight) -> list[Row]:
    there = objects(sight.plan, sight.view) if sight.plan else {}
    found: list[Row] = []
    for step in sight.plan.steps if sight.plan else ():
        one = there.get(step.name)
        stands = standing(step, one, sight.view)
        if one and one.phase is Phase.SUCCEEDED and not sight.view.done(step.name):
            stands = Standing(stands.word, "its folder is not whole")
        found.append(Row(step, stands, one.running_since or one.since if one else None))
    return found


def objects(plan: Plan, view: View) -> dict[str, Seen]:
    """The objects that carry out the plan's own steps, by step: those of an earlier run are none of them."""
    return {one.step: one for one in view.objects if wanted(one, plan)}


def current(plan: Plan | None, view: View) -> str | None:
    """The step to look at: one that failed, else the first that runs, else the first that waits; None without any."""
    if plan is None:
        return None
    there = objects(plan, view)
    open_ = [there[step.name] for step in plan.steps if step.name in there and not view.done(step.name)]
    for phase in (Phase.FAILED, Phase.RUNNING, Phase.WAITING):
        found = next((one.step for one in open_ if one.phase is phase), None)
        if found:
            return found
    return None


def latest(moments: Sequence[Moment]) -> Progress | None:
    """The last progress, with the last speed that was told: a step tells it now and then."""
    if not moments:
        return None
    last = moments[-1].progress
    speeds = (one.progress.tokens_per_second for one in reversed(moments) if one.progress.what == last.what)
    return replace(last, tokens_per_second=next((speed for speed in speeds if speed is not None), None))


def seconds_left(moments: Sequence[Moment], now: float) -> float | None:
    """Until the last told progress is at its end, by the speed of late; None while that is not known."""
    counted = _same_count(moments)[-RECENT:]
    if len(counted) < 2:
        return None
    first, last = counted[0], counted[-1]
    done = last.progress.done - first.progress.done
    if done <= 0 or last.at <= first.at:
        return None
    left = (last.progress.total - last.progress.done) * (last.at - first.at) / done
    return max(0.0, left - max(0.0, now - last.at))


def _same_count(moments: Sequence[Moment]) -> list[Moment]:
    """The last moments that count the same thing, and only up: a resumed training begins lower."""
    found: list[Moment] = []
    for one in reversed(moments):
        after = found[-1].progress if found else one.progress
        if one.progress.what != after.what or one.progress.done > after.done:
            break
        found.append(one)
    return found[::-1]


def infer_done(plan: Plan, there: Sequence[Seen], told: set[str], ended_well: bool) -> set[str]:
    """The steps that are done, for who cannot see the shared volume.

    The run tells of some in its log; an object that succeeded is one; and a step whose object was made has all that it
    needs, since the run makes it only then.
    """
    if ended_well:
        return plan.names
    mine = {one.step: one for one in there if wanted(one, plan)}
    made = {step.name: step for step in plan.steps if step.name in mine}
    succeeded = {name for name, one in mine.items() if one.phase is Phase.SUCCEEDED}
    needs = _closure({step.name: step.needs for step in plan.steps}, [*made, *succeeded, *told])
    return (told | succeeded | needs) & plan.names


def _closure(needs: dict[str, tuple[str, ...]], names: Sequence[str]) -> set[str]:
    """All that `names` need, at any depth, they themselves left out unless another needs them."""
    found: set[str] = set()
    todo = list(itertools.chain.from_iterable(needs.get(name, ()) for name in names))
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += needs.get(name, ())
    return found
