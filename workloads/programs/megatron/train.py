"""Step `train`: pretraining by neuronx-nemo-megatron, one of these programs a node under mpirun.

Leaves `checkpoints/`, `tensorboard/` with the repository's own logs, and `logs/` with what each node said. A run that
was ended goes on from the newest whole checkpoint, and the step is done only when the last one is whole.
"""

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from .. import entry, folders
from ..errors import UserError
from ..journal import FILE, Journal
from . import checkpoints
from .checkpoints import Checkpoint
from .node import check_together, place
from .pretraining import BOARD, CHECKPOINTS, INDEX, Arguments, Command, training
from .process import Failed, carry_out
from .progress import Events, Progress, Reader

LOGS, COMMAND = "logs", "command.json"

MONITORED = "step"
"""The repository looks for this word in a checkpoint's whole path, and takes what follows for the number of steps."""


def train(arguments: Arguments, out: Path) -> None:
    here = place(os.environ)
    check_together(here, arguments.nodes)
    _check_paths(arguments)
    found = start_from(arguments)
    command = training(arguments, here, str(found.path) if found else None)
    if here.node:
        carry_out(command, log_of(out, here.node), lambda line: None)
        return
    if found is None or found.path.parent == out / CHECKPOINTS:
        checkpoints.clear_but(out / CHECKPOINTS, found)
    _lead(arguments, out, command, found)


def start_from(arguments: Arguments) -> Checkpoint | None:
    """The newest whole checkpoint of this training, or else of the one to resume from.

    Every node finds the same: none trains before all are there, and what the first removes is never the newest.
    """
    own = checkpoints.newest(Path(arguments.out) / CHECKPOINTS)
    if own or not arguments.resume_from:
        return own
    earlier = checkpoints.newest(Path(arguments.resume_from) / CHECKPOINTS)
    if earlier is None:
        raise UserError(f"{arguments.resume_from} holds no whole checkpoint to resume from.")
    return earlier


def _lead(arguments: Arguments, out: Path, command: Command, found: Checkpoint | None) -> None:
    """The first node's part: it also keeps the journal and marks checkpoints whole."""
    journal = Journal(out)
    begun = found.step if found else 0
    journal.rewind(begun)
    if begun:
        journal.log("resume", step=begun)
    (out / BOARD).mkdir(exist_ok=True)  # a resume looks for earlier files there, and ends where there is no such folder
    folders.write_atomically(out / COMMAND, json.dumps(asdict(command), indent=1))
    progress = Progress(journal, arguments.max_steps, arguments.sequence_length)
    reader = Reader(Events(out / BOARD), progress)

    def heard(line: str) -> None:
        reader.begin()
        name = checkpoints.saved(line)
        if name:
            checkpoints.mark_whole(out / CHECKPOINTS, name)

    try:
        carry_out(command, log_of(out, 0), heard)
    finally:
        reader.close()
    _require_all_steps(arguments, out)
    loss = "" if progress.last_loss is None else f", loss {progress.last_loss:.3f}"
    journal.result(f"{arguments.max_steps:,} steps of {arguments.global_batch} sequences{loss}")


def _require_all_steps(arguments: Arguments, out: Path) -> None:
    last = checkpoints.newest(out / CHECKPOINTS)
    if last is None or last.step < arguments.max_steps:
        reached = last.step if last else 0
        raise Failed(
            f"error: training ended at step {reached:,} of {arguments.max_steps:,}, and said that all was well"
        )


def _check_paths(arguments: Arguments) -> None:
    folders.require_done(Path(arguments.data))
    folders.require_done(Path(arguments.tokenizer))
    if MONITORED in arguments.out:
        raise UserError(
            f"--out {arguments.out}: the repository cannot resume in a folder whose path has {MONITORED!r} in it."
        )


def log_of(out: Path, node: int) -> Path:
    return out / LOGS / f"node-{node}.log"


RESUMABLE = (CHECKPOINTS, BOARD, INDEX, LOGS, FILE)

if __name__ == "__main__":
    sys.exit(entry.main(Arguments, train, resumable=RESUMABLE))
