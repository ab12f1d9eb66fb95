"""Time and memory of a command, as the kernel counts them."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stacks.rehearsal import MAXRSS_UNIT

PROJECT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Cost:
    """Wall-clock seconds; `memory` is the largest peak of any one of its processes, in MiB."""

    seconds: float
    memory: float


def cost(arguments: Sequence[str], **environment: str) -> Cost:
    """What `python <arguments>` takes, in a process of its own; RuntimeError with its words when it fails."""
    began = time.perf_counter()
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=PROJECT,
            env={**os.environ, **environment},
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise RuntimeError(f"{' '.join(arguments)} ended with status {process.returncode}:\n{said.read()}")
    return Cost(time.perf_counter() - began, usage.ru_maxrss * MAXRSS_UNIT / 2**20)
