"""A command of the repository's, carried out: its lines handed on as they come, and nothing of it left behind."""

import ctypes
import errno
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from ..errors import disk_full, is_disk_full
from .pretraining import Command

PR_SET_PDEATHSIG = 1
"""prctl(2): the signal that a process gets when the one that started it ends."""


class Failed(SystemExit):
    """The command ended badly. What it said stands above; this adds one line and the exit status 1."""


def carry_out(
    command: Command, log: Path, heard: Callable[[str], None], environment: Mapping[str, str] = os.environ
) -> None:
    """Runs `command` to its end; every line goes to the log, to standard output and to `heard`.

    Failed where its exit status is not 0; OSError where the disk of the log is full. It ends with this process, however
    that ends: devices held by an orphan would keep the next try from starting.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    print(f"{shlex.join(command.argv)}\n  in {command.folder}", flush=True)
    process = _start(command, environment)
    before = signal.signal(signal.SIGTERM, lambda *_: _send(process, signal.SIGTERM))
    try:
        with log.open("a") as file:
            for line in process.stdout or ():  # a carriage return ends a line as well
                file.write(line)
                sys.stdout.write(line)
                sys.stdout.flush()
                heard(line)
        _judge(process.wait(), command, log)
    finally:
        _send(process, signal.SIGKILL)
        process.wait()
        signal.signal(signal.SIGTERM, before)


def _send(process: "subprocess.Popen[str]", number: signal.Signals) -> None:
    """To it and all that it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _start(command: Command, environment: Mapping[str, str]) -> "subprocess.Popen[str]":
    libc = ctypes.CDLL(None)
    return subprocess.Popen(
        command.argv,
        cwd=command.folder,
        env={**environment, **command.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
        preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM),  # noqa: PLW1509 – there are no threads yet
    )


def _judge(status: int, command: Command, log: Path) -> None:
    if status == 0:
        return
    if is_disk_full(OSError(), log.parent):
        raise OSError(errno.ENOSPC, disk_full(log.parent))
    how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
    raise Failed(f"error: {command.argv[0]} {how}; what it said is above and in {log}")
