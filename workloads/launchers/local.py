"""The launcher `local`: a step becomes a command on this machine, the same that a pod would run."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..programs import keep, store
from ..recipes.sources import ROOT
from ..recipes.step import Step, ThisMachine
from .arguments import DISTRIBUTED, arguments, folder

STACK = "local"
"""Under which name results are kept, whoever starts the steps: a rehearsal's are the same as those of a stack that has
its folder."""


@dataclass(frozen=True, slots=True)
class Machine:
    """This machine: `shared` plays the part of the cluster's shared volume, `python` that of the image."""

    shared: Path
    python: str

    @property
    def results(self) -> Path:
        """Where results go."""
        return self.shared / "results"


@dataclass(frozen=True, slots=True)
class Command:
    """What to start. `environment` comes on top of this process's own."""

    argv: tuple[str, ...]
    environment: dict[str, str]
    folder: Path

    @property
    def line(self) -> str:
        """The command as one types it."""
        return shlex.join(self.argv)


def command(step: Step, recipe: str, hashes: Mapping[str, str], machine: Machine) -> Command:
    """The command that carries out `step`; `hashes` has those of it and of all that it needs."""
    words = (step.program, *arguments(step, recipe, hashes, machine.shared))
    processes = step.placement.processes if isinstance(step.placement, ThisMachine) else 1
    together = (DISTRIBUTED, f"--processes={processes}") if processes > 1 else ()
    argv = (machine.python, "-m", *together, *words)
    environment = {
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        store.ADDRESS: str(machine.results),
        keep.STACK: STACK,
    }
    return Command(argv, environment, machine.shared / folder(recipe, step.name, hashes[step.name]))
