"""A step's arguments as words of a command line, with its folders where the shared volume lies."""

from collections.abc import Mapping
from pathlib import PurePath

from ..recipes.step import Earlier, File, Folder, Folders, Step, Value

DISTRIBUTED = "programs.distributed"
"""Starts a program once for each process that takes part."""


def folder(recipe: str, step: str, step_hash: str) -> str:
    """Where a step writes, below the shared volume."""
    return f"runs/{recipe}/{step}-{step_hash}"


def arguments(step: Step, recipe: str, hashes: Mapping[str, str], shared: PurePath) -> list[str]:
    """The arguments of `step`'s program; `hashes` has those of it and of all that it needs."""

    def words(value: Value) -> list[str]:
        match value:
            case Folder(name, path):
                return [str(shared / folder(recipe, name, hashes[name]) / path)]
            case Folders(named):
                return [f"{name}={words(one)[0]}" for name, one in named.items()]
            case Earlier(name, known):
                return [str(shared / folder(recipe, name, known))]
            case File(path):
                return [str(path)]
            case tuple():
                return list(value)
        return [str(value)]

    argv = ["--out", str(shared / folder(recipe, step.name, hashes[step.name]))]
    for name, value in {**step.arguments, **step.tuning}.items():
        argv += [f"--{name}", *words(value)]
    return argv
