"""Time and memory of a command, as the kernel counts them."""

import json
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
APART = Path(__file__).with_name("apart.py")


@dataclass(frozen=True, slots=True)
class Cost:
    """Wall-clock seconds; `memory` is the largest peak of any one of its processes, in MiB."""

    seconds: float
    memory: float


def cost(arguments: Sequence[str], **environment: str) -> Cost:
    """What `python <arguments>` takes, in a process of its own; RuntimeError with its words when it fails."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile("w+") as said:
        report = Path(folder) / "report.json"
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-S", "-E", APART, report, sys.executable, *arguments],
            cwd=PROJECT,
            env={**os.environ, **environment},
            stdout=said,
            stderr=subprocess.STDOUT,
            check=True,
        )
        seconds, found = time.perf_counter() - began, json.loads(report.read_text())
        if found["status"]:
            said.seek(0)
            raise RuntimeError(f"{' '.join(arguments)} ended with status {found['status']}:\n{said.read()}")
    return Cost(seconds, found["maxrss"] * MAXRSS_UNIT / 2**20)
