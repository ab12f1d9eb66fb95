"""Following a rehearsal, by its diary, its steps' journals and their logs."""

import time
from collections.abc import Callable
from pathlib import Path

from workloads.programs import folders, journal
from workloads.programs.run.decide import View
from workloads.programs.run.plan import StepPlan
from workloads.programs.run.states import Phase, Seen

from ..diary import Noted, newest
from .picture import Heard, Moment, Sight, Verdict, current

TAIL_BYTES = 16_384


class Folder:
    """A source of sights: the last rehearsal in a folder, going on or over."""

    def __init__(self, shared: Path, clock: Callable[[], float] = time.time):
        self._shared, self._clock = shared, clock

    def look(self) -> Sight:
        noted, where = newest(self._shared), str(self._shared)
        if noted is None:
            text = f"there is no rehearsal in {self._shared} yet: `trainyard rehearse RECIPE` begins one"
            return Sight(where, None, View((), {}, "", self._clock()), Verdict(text))
        view = View(
            tuple(_seen(step, noted) for step in noted.plan.steps if step.name in noted.began),
            {step.name: folders.damage(self._shared / step.folder) for step in noted.plan.steps},
            "rehearsal",
            self._clock(),
        )
        name = current(noted.plan, view)
        step = next((one for one in noted.plan.steps if one.name == name), None)
        return Sight(where, noted.plan, view, verdict(noted), self._hear(step, noted) if step else Heard())

    def _hear(self, step: StepPlan, noted: Noted) -> Heard:
        return Heard(tuple(_moments(self._shared / step.folder)), _tail(noted.logs / f"{step.title}.log"))


def _seen(step: StepPlan, noted: Noted) -> Seen:
    status = noted.ended.get(step.name)
    phase, reason = Phase.RUNNING, ""
    if status is not None:
        phase, reason = (Phase.FAILED, f"it ended with status {status}") if status else (Phase.SUCCEEDED, "")
    elif not noted.alive:
        phase, reason = Phase.FAILED, "the rehearsal was stopped; the same command goes on from here"
    return Seen(
        kind="process",
        name=step.title,
        step=step.name,
        hash=step.hash,
        digest=step.digest,
        run="rehearsal",
        phase=phase,
        since=noted.began[step.name],
        reason=reason,
    )


def verdict(noted: Noted) -> Verdict:
    """How a rehearsal stands, by its diary."""
    failed = next((name for name, status in noted.ended.items() if status), None)
    if failed:
        return Verdict(f"step {failed} failed", ok=False)
    if len(noted.ended) == len(noted.plan.steps):
        return Verdict(f"all {len(noted.plan.steps)} steps are done", ok=True)
    return Verdict("it goes on") if noted.alive else Verdict("the rehearsal was stopped", ok=False)


def _moments(folder: Path) -> list[Moment]:
    """What the journal tells of progress. Steps are written some at a time: the last, with the speed, counts."""
    try:
        events = list(journal.read(folder))
    except (OSError, ValueError):  # it is being cleared, or rewound
        return []
    telling = (event for event in events if event["event"] != "step" or "tokens_per_second" in event)
    told = ((event.get("at"), journal.told(event)) for event in telling)
    return [Moment(at, progress) for at, progress in told if at is not None and progress is not None]


def _tail(log: Path) -> tuple[str, ...]:
    """The last lines of a log, of which just the end is read."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return ()
    return tuple(text.splitlines())
