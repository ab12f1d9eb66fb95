"""A rehearsal: a recipe's own steps and programs, one after another, on this machine.

Steps that are done are passed over, by the same marker and the same hashes as everywhere. Whoever watches is told of
each step's start, of what it writes into its journal while it runs, and of its end.
"""

import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, Protocol

from workloads.launchers.local import Command, Machine, command
from workloads.programs import folders, journal
from workloads.recipes import Step

from . import plots
from .diary import Diary, alone, logs
from .run import Run

LOOK_EVERY_SECONDS = 0.2
MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes that the kernel's ru_maxrss counts in."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one step ended. `ran` is False where it was done before; `peak_memory` is in bytes."""

    step: Step
    folder: Path
    log: Path
    ran: bool
    status: int = 0
    seconds: float = 0.0
    peak_memory: int = 0


def missing(python: str) -> str | None:
    """What keeps the interpreter `python` from running steps, with the remedy; None where nothing does."""
    if importlib.util.find_spec("torch"):
        return None
    return f"{python} has no torch, which the steps train with. Run `make setup`, and use the interpreter that it made."


class Watcher(Protocol):
    def started(self, step: Step) -> None: ...
    def happened(self, step: Step, event: Mapping[str, Any]) -> None: ...
    def ended(self, outcome: Outcome) -> None: ...


def rehearse(
    run: Run, machine: Machine, watcher: Watcher, environment: Mapping[str, str] = os.environ
) -> list[Outcome]:
    """Carries out the run's chosen steps; stops after the first that fails, whose outcome is then the last.

    UserError where another rehearsal of the same recipe is at work in the same folder.
    """
    with alone(machine.shared, run.recipe.name):
        return _one_after_another(run, machine, watcher, environment)


def _one_after_another(run: Run, machine: Machine, watcher: Watcher, environment: Mapping[str, str]) -> list[Outcome]:
    outcomes: list[Outcome] = []
    diary = Diary(run, machine.shared)
    for step in run.chosen:
        watcher.started(step)
        diary.started(step.name)
        what = command(step, run.recipe.name, run.hashes, machine)
        log = logs(machine.shared, run.recipe.name) / f"{what.folder.name}.log"
        if folders.is_done(what.folder):
            outcome = Outcome(step, what.folder, log, ran=False)
        else:
            outcome = _carry_out(step, what, log, environment, partial(watcher.happened, step))
        diary.ended(step.name, outcome.status)
        watcher.ended(outcome)
        outcomes.append(outcome)
        if outcome.status:
            break
    return outcomes


def _carry_out(
    step: Step, what: Command, log: Path, environment: Mapping[str, str], happened: Callable[[Mapping[str, Any]], None]
) -> Outcome:
    began = time.monotonic()
    with begin_log(log) as output:
        process = subprocess.Popen(
            what.argv, env={**environment, **what.environment}, stdout=output, stderr=subprocess.STDOUT
        )
        status, peak = _follow(process, _Reader(what.folder, happened))
    return Outcome(step, what.folder, log, True, status, time.monotonic() - began, peak)


def begin_log(path: Path) -> IO[str]:
    """An empty log. Whoever writes to it does so at its end: a step that outlived its rehearsal may do so as well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return open(path, "w", opener=lambda name, flags: os.open(name, flags | os.O_APPEND, 0o666))


def _follow(process: "subprocess.Popen[bytes]", reader: "_Reader") -> tuple[int, int]:
    """Reads along until `process` ends → exit status (negative: the signal that killed it) and peak memory in bytes."""
    try:
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            reader.read()
            if pid:
                process.returncode = os.waitstatus_to_exitcode(status)
                return process.returncode, usage.ru_maxrss * MAXRSS_UNIT
            time.sleep(LOOK_EVERY_SECONDS)
    except BaseException:
        process.terminate()
        process.wait()
        raise


class _Reader:
    """Hands on each event of a step's journal once, also when the step rewinds it after a resume."""

    def __init__(self, folder: Path, happened: Callable[[Mapping[str, Any]], None]):
        self._folder, self._happened = folder, happened
        self._seen = sum(1 for _ in journal.read(folder))

    def read(self) -> None:
        events = list(journal.read(self._folder))
        for event in events[min(self._seen, len(events)) :]:
            self._happened(event)
        self._seen = len(events)


def plot_losses(run: Run, folders_: Mapping[str, Path], machine: Machine) -> Path | None:
    """Draws the losses of every step that trained into one picture; None where none did."""
    losses = {name: list(journal.read(folder)) for name, folder in folders_.items()}
    trained = {name: events for name, events in losses.items() if any(event["event"] == "step" for event in events)}
    if not trained:
        return None
    picture = machine.shared / "reports" / run.recipe.name / "loss.png"
    plots.losses(trained, picture, title=run.recipe.name)
    return picture
