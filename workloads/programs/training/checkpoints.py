"""Checkpoints that are whole or not there.

A checkpoint is written into a folder with a passing name, by all processes, and gets its own name in one move when
every file has reached the disk. It carries a list of its files with their sizes, so that one that lost a file since is
passed over as well. Which one to go on from is then simply the newest whole one.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from .. import folders

PREFIX = "step-"


class Processes(Protocol):
    """The processes that train together; the first owns names, all meet at `barrier`."""

    is_first: bool

    def barrier(self, name: str) -> None: ...


class OneProcess:
    """A process alone."""

    is_first = True

    def barrier(self, name: str) -> None:
        """Nobody to wait for."""


class Checkpoints:
    """The checkpoints below one folder, of which the newest `keep` stay.

    Where it has none yet, those below `earlier`, of another training, stand in for them; they are only read.
    """

    def __init__(self, folder: Path, keep: int, processes: Processes, earlier: Path | None = None):
        self._folder = folder
        self._earlier = earlier
        self._keep = keep
        self._processes = processes

    def newest(self) -> tuple[int, Path] | None:
        """Steps done and folder of the newest whole checkpoint, None where there is none."""
        own = next(_whole(self._folder), None)
        return own if own or self._earlier is None else next(_whole(self._earlier), None)

    def begin(self) -> Path:
        """An empty folder for all processes to write the next checkpoint into."""
        partial = self._folder / ".partial"
        if self._processes.is_first:
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
        self._processes.barrier("checkpoint begun")
        return partial

    def commit(self, step: int) -> None:
        """Gives what was written since `begin` the name of `step` when every process is done, and drops the oldest."""
        self._processes.barrier("checkpoint written")
        if self._processes.is_first:
            partial, final = self._folder / ".partial", self._folder / f"{PREFIX}{step:08}"
            _sync(partial)
            folders.mark_done(partial)
            shutil.rmtree(final, ignore_errors=True)
            partial.rename(final)
            folders.sync_folder(self._folder)
            for _, old in list(_whole(self._folder))[self._keep :]:
                shutil.rmtree(old)
        self._processes.barrier("checkpoint committed")


def _whole(folder: Path) -> Iterator[tuple[int, Path]]:
    """Steps done and folder of each whole checkpoint below `folder`, the newest first."""
    for path in sorted(folder.glob(f"{PREFIX}*"), reverse=True):
        if folders.is_done(path):
            yield int(path.name.removeprefix(PREFIX)), path


def _sync(folder: Path) -> None:
    """Sends every file below `folder` to the disk: a name must not outlive a power cut that its content did not."""
    for path in folder.rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
