"""What a rehearsal notes of itself, for those who follow it from another terminal."""

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

from workloads.programs.errors import UserError
from workloads.programs.folders import write_atomically
from workloads.programs.run import plan as plans

from .run import Run, plan_of

FILE = "rehearsal.json"
LOCK = ".lock"


def logs(shared: Path, recipe: str) -> Path:
    """Where the logs of a recipe's steps are, and the diary beside them."""
    return shared / "logs" / recipe


@contextmanager
def alone(shared: Path, recipe: str) -> Iterator[None]:
    """Holds the rehearsals of `recipe` in `shared` for this process; UserError where another one holds them.

    Two would write the same diary and the same logs. The kernel lets go when the holder dies.
    """
    place = logs(shared, recipe)
    place.mkdir(parents=True, exist_ok=True)
    with (place / LOCK).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f"another rehearsal of {recipe} is at work in {shared}. Watch it with `trainyard follow --folder "
                f"{shared}`, wait for its end, or name another folder with --folder."
            ) from None
        yield


class Diary:
    """Writes down each step's start and end. Times are in seconds since 1970."""

    def __init__(self, run: Run, shared: Path, clock: Callable[[], float] = time.time):
        self._path, self._clock = logs(shared, run.recipe.name) / FILE, clock
        plan = plan_of(run, {step.name: "" for step in run.chosen}, timedelta(0))
        self._plan = asdict(plan)
        self._began: dict[str, float] = {}
        self._ended: dict[str, int] = {}

    def started(self, step: str) -> None:
        self._began[step] = self._clock()
        self._write()

    def ended(self, step: str, status: int) -> None:
        self._ended[step] = status
        self._write()

    def _write(self) -> None:
        noted = {"plan": self._plan, "pid": os.getpid(), "began": self._began, "ended": self._ended}
        with suppress(OSError):  # on a full disk the steps are to say so
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._path, json.dumps(noted))


@dataclass(frozen=True, slots=True)
class Noted:
    """A diary as it was read. `ended` has exit statuses; `alive` says whether its rehearsal still runs."""

    plan: plans.Plan
    began: Mapping[str, float]
    ended: Mapping[str, int]
    alive: bool
    logs: Path


def newest(shared: Path) -> Noted | None:
    """The last rehearsal's in `shared`; None where there was none, or where it cannot be read."""
    found = sorted(shared.glob(f"logs/*/{FILE}"), key=lambda path: path.stat().st_mtime)
    if not found:
        return None
    try:
        raw = json.loads(found[-1].read_text())
        plan, alive = plans.parse(raw["plan"]), _alive(int(raw["pid"]))
        return Noted(plan, raw["began"], raw["ended"], alive, found[-1].parent)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
