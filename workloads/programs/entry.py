"""The frame of every program: typed arguments in, a whole folder out, and a mistake told in one line.

`python -m programs.<recipe>.<step> --help` lists a program's arguments. Its `--out` is the step's folder; where that is
done already, the program says so and ends well, which makes a step safe to start again at any time.
"""

import dataclasses
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Protocol, TypeVar

from . import folders
from .errors import EXIT_DISK_FULL, EXIT_USER_ERROR, UserError, disk_full, is_disk_full

WORK = ".work"
"""Folder, below a step's own, for what it needs only while it runs."""


class HasOut(Protocol):
    """Arguments of a program: a dataclass that names, in `out`, the folder to write into."""

    out: str


A = TypeVar("A", bound=HasOut)


def argument(meaning: str) -> Any:
    """A required argument of a program, with its help: defaults stand in the recipes alone."""
    return dataclasses.field(metadata={"help": meaning})


def is_first_process() -> bool:
    """True in the one process of a `torchrun` or `mpirun` that owns the folder; also without them."""
    return os.environ.get("RANK", os.environ.get("OMPI_COMM_WORLD_RANK", "0")) == "0"


def main(
    arguments: type[A],
    body: Callable[[A, Path], None],
    argv: Sequence[str] | None = None,
    *,
    resumable: Iterable[str] = (),
) -> int:
    """Parses `argv` into the dataclass `arguments` (it has a field `out`), runs `body` in that folder, marks it done.

    `resumable` names the entries of the folder from which `body` can go on after a kill; the rest is cleared first.
    """
    return carry_out(_parse(arguments, sys.argv[1:] if argv is None else argv), body, resumable)


def carry_out(parsed: A, body: Callable[[A, Path], None], resumable: Iterable[str] = ()) -> int:
    """`main` for arguments that are parsed already; it needs no more than the standard library. The exit status."""
    out = Path(parsed.out)
    try:
        folders.make(out, f"--out {out}")
        with folders.locked(out) if is_first_process() else nullcontext():
            _run(parsed, body, out, resumable)
    except UserError as error:
        return _tell(str(error), EXIT_USER_ERROR)
    except Exception as error:
        if is_disk_full(error, out):
            return _tell(disk_full(out), EXIT_DISK_FULL)
        raise
    return 0


def _run(parsed: A, body: Callable[[A, Path], None], out: Path, resumable: Iterable[str]) -> None:
    if folders.is_done(out):
        print(f"already done: {out}", flush=True)
        return
    if is_first_process():
        folders.clear(out, keep=resumable)
        folders.note_start(out)
    body(parsed, out)
    if is_first_process():
        shutil.rmtree(out / WORK, ignore_errors=True)
        folders.mark_done(out)


def _parse(arguments: type[A], argv: Sequence[str]) -> A:
    from transformers.hf_argparser import HfArgumentParser  # seconds to import: not before it is needed

    return HfArgumentParser(arguments).parse_args_into_dataclasses(args=list(argv))[0]  # pyright: ignore


def _tell(message: str, status: int) -> int:
    print(f"error: {message}", file=sys.stderr, flush=True)
    return status
