"""The launcher `local`: a step becomes a command on this machine, the same that a pod would run."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..recipes.sources import ROOT
from ..recipes.step import File, Folder, Step, Value


@dataclass(frozen=True, slots=True)
class Machine:
    """This machine: `shared` plays the part of the cluster's shared volume, `python` that of the image."""

    shared: Path
    python: str

    def folder(self, recipe: str, step: str, step_hash: str) -> Path:
        """Where a step writes, as /shared/runs/<recipe>/<step>-<hash> on a cluster."""
        return self.shared / "runs" / recipe / f"{step}-{step_hash}"


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
    folders = {name: machine.folder(recipe, name, known) for name, known in hashes.items()}
    argv = [machine.python, "-m", step.program, "--out", str(folders[step.name])]
    for name, value in {**step.arguments, **step.tuning}.items():
        argv += [f"--{name}", *_words(value, folders)]
    return Command(tuple(argv), {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}, folders[step.name])


def _words(value: Value, folders: Mapping[str, Path]) -> list[str]:
    if isinstance(value, Folder):
        return [str(folders[value.step] / value.path)]
    if isinstance(value, File):
        return [str(value.path)]
    return [str(one) for one in value] if isinstance(value, tuple) else [str(value)]
