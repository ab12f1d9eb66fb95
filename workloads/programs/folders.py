"""A step's folder: whole, or not done. The one meaning of *done*, for programs, launchers and people.

A step writes into a folder of its own. When all is written, and only then, it writes `_SUCCESS`, which lists every
file with its size. A step killed at any moment therefore leaves a folder without the marker, and a file that was
lost or cut short later is found out by its size.
"""

import fcntl
import json
import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import UserError, is_disk_full

MARKER = "_SUCCESS"
LOCK = ".lock"
TOKENIZER = "tokenizer"
"""Folder, below a step's own, of the tokenizer that the step leaves: the one that its data are made with."""


def make(folder: Path, named: str) -> None:
    """Makes `folder`; UserError where that cannot be, with what the user called it in `named`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        writable = os.access(folder, os.W_OK)
    except OSError as error:
        if is_disk_full(error):
            raise
        raise UserError(f"{named}: cannot be made a folder ({error.strerror}). {_ANOTHER}") from None
    if not writable:
        raise UserError(f"{named}: may not be written to. {_ANOTHER}")


_ANOTHER = "Name a folder that you may write to."


def write_atomically(path: Path, content: str | bytes) -> None:
    """Replaces `path` in one move: a reader sees the old content or the new, also after a power cut."""
    partial = path.with_name(f".{path.name}.partial")
    data = content.encode() if isinstance(content, str) else content
    with partial.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Makes the names in `folder` last: a rename is only safe once its folder has reached the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sizes(folder: Path) -> dict[str, int]:
    """Every file below `folder` with its size in bytes; hidden files are passing things and do not count."""
    files = (path for path in folder.rglob("*") if path.is_file())
    named = ((path.relative_to(folder), path.stat().st_size) for path in files)
    return {
        relative.as_posix(): size
        for relative, size in sorted(named)
        if relative.name != MARKER and not any(part.startswith(".") for part in relative.parts)
    }


def mark_done(folder: Path) -> None:
    write_atomically(folder / MARKER, json.dumps({"files": sizes(folder)}, indent=1))


def damage(folder: Path) -> str | None:
    """None when `folder` is done and whole, else what is wrong with it, in words that follow "the folder …"."""
    try:
        listed: dict[str, int] = dict(json.loads((folder / MARKER).read_text())["files"])
    except FileNotFoundError:
        return f"holds no {MARKER}: the step that writes it has not ended"
    except (ValueError, KeyError, TypeError):
        return f"has a {MARKER} that cannot be read"
    for name, size in listed.items():
        file = folder / name
        if not file.is_file():
            return f"has lost {name}"
        if file.stat().st_size != size:
            return f"has {name} with {file.stat().st_size:,} bytes instead of {size:,}"
    return None


def is_done(folder: Path) -> bool:
    return damage(folder) is None


def require_done(folder: Path) -> Path:
    """`folder`, checked; UserError when the step that should have filled it has not, or when it was damaged since."""
    problem = damage(folder)
    if problem:
        raise UserError(
            f"{folder} {problem}. Run its step first; if it should be there, delete the folder and run again."
        )
    return folder


def clear(folder: Path, keep: Iterable[str] = ()) -> None:
    """Empties `folder` but for `keep`, so that nothing of a killed run is taken for a result of this one."""
    kept = {*keep, LOCK}
    (folder / MARKER).unlink(missing_ok=True)
    for path in folder.iterdir():
        if path.name in kept:
            continue
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds `folder` for this process alone; a second one waits. The kernel lets go of it when the holder dies."""
    with (folder / LOCK).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting: another process is at work in {folder}", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def note_start(folder: Path) -> None:
    """Notes that a process begins to fill `folder`, in the file that is locked: no clearing takes it away."""
    with (folder / LOCK).open("a") as file:
        file.write(f"{time.time():.3f}\n")


def starts(folder: Path) -> list[float]:
    """When a process began to fill `folder`, each time, in seconds since 1970."""
    try:
        lines = (folder / LOCK).read_text(errors="replace").split("\n")[:-1]
    except FileNotFoundError:
        return []
    return [float(line) for line in lines if re.fullmatch(r"[0-9]+\.[0-9]{3}", line)]


def ended(folder: Path) -> float | None:
    """When `folder` was marked done, in seconds since 1970; None while it is not."""
    try:
        return (folder / MARKER).stat().st_mtime
    except FileNotFoundError:
        return None
