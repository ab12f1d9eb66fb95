"""The checkpoints of a training by neuronx-nemo-megatron: which are whole, and which to go on from.

Each rank of the model writes a file `<name>.ckpt` into its folder, and the tensors into `<name>.ckpt.tensors` beside.
Nothing in that tells a whole checkpoint from one that a kill cut short, and the repository goes on from the newest as
it is. It says in its log when all ranks have saved; then, and only then, a list of the files and sizes is put beside.
"""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .. import folders

SAVED = re.compile(r"Synchronous saving of checkpoint (?P<name>\S+\.ckpt) fully completed")
"""nemo/nemo/collections/nlp/parts/nlp_overrides.py, said by the first rank after all have met."""

STEP = re.compile(r"--step=(?P<step>\d+)-")
WHOLE = ".whole"
"""What a list's name adds to that of its checkpoint: the repository, which looks for `*.ckpt`, does not see it."""


@dataclass(frozen=True)
class Checkpoint:
    """`path` is as the repository wants it: without the folders of ranks, so that there is no such file."""

    path: Path
    step: int


def saved(line: str) -> str | None:
    """The name of the checkpoint that the log's `line` says is whole; None where it says nothing of the kind."""
    match = SAVED.search(line)
    return match["name"] if match else None


def step_of(name: str) -> int:
    """The step in a checkpoint's name; -1 where there is none."""
    match = STEP.search(name)
    return int(match["step"]) if match else -1


def mark_whole(folder: Path, name: str) -> None:
    folders.write_atomically(folder / (name + WHOLE), json.dumps(_sizes(folder, name), indent=1))


def newest(folder: Path) -> Checkpoint | None:
    """The whole checkpoint with the most steps; None where there is none. A file lost or cut short since is noticed."""
    whole = (Checkpoint(folder / name, step_of(name)) for name in _marked(folder) if _is_whole(folder, name))
    return max(whole, key=lambda one: one.step, default=None)


def clear_but(folder: Path, kept: Checkpoint | None) -> None:
    """Removes all checkpoints but `kept`: left there, half ones count among those to keep, and are never removed."""
    kept_stem = kept.path.stem if kept else ""
    begun = {_stem(path.name) for path in folder.rglob("*.ckpt*") if STEP.search(path.name)}
    for stem in begun - {kept_stem}:
        for path in list(folder.rglob(f"{stem}*")):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _marked(folder: Path) -> Iterator[str]:
    return (path.name[: -len(WHOLE)] for path in folder.glob(f"*.ckpt{WHOLE}"))


def _stem(name: str) -> str:
    """What all of a checkpoint's files begin with; the states of a sharded optimizer have files of their own."""
    return re.sub(r"(-optimizer_states)?\.ckpt.*$", "", name)


def _is_whole(folder: Path, name: str) -> bool:
    try:
        listed = json.loads((folder / (name + WHOLE)).read_text())
    except (OSError, ValueError):
        return False
    return bool(listed) and listed == _sizes(folder, name)


def _sizes(folder: Path, name: str) -> dict[str, int]:
    """Files of the checkpoint `name` with their sizes in bytes."""
    found = (path for top in folder.rglob(f"{_stem(name)}*") for path in (top.rglob("*") if top.is_dir() else (top,)))
    files = (path for path in found if path.suffix != WHOLE and not path.name.startswith(".") and path.is_file())
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in sorted(files)}
