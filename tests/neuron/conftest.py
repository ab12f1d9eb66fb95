"""The Neuron backend on the real libraries: an environment of its own, since those want another torch.

TRAINYARD_NEURON_PYTHON names its interpreter, TRAINYARD_NEURON_PATH what goes on PYTHONPATH before the programs, such
as a checkout of neuronx-distributed and, on a machine without a Neuron device, what stands in for AWS's own wheels.
docs/testing.md says how to make one.
"""

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.conftest import as_argv
from workloads.recipes.sources import ROOT

Arguments = dict[str, Any]

PATIENCE_SECONDS = 240


@dataclass(frozen=True)
class Neuron:
    """Runs programs there, each under torchrun with one process, as on one NeuronCore."""

    python: str
    path: str

    def start(self, program: str, arguments: Arguments) -> "subprocess.Popen[str]":
        path = os.pathsep.join(filter(None, (self.path, str(ROOT))))
        environment = {**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", "HF_HUB_OFFLINE": "1"}
        command = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=1", "-m", program]
        return subprocess.Popen(
            [self.python, *command, *as_argv(arguments)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, program: str, arguments: Arguments) -> str:
        """Its output; AssertionError with it where the program fails."""
        process = self.start(program, arguments)
        try:
            said, _ = process.communicate(timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            kill(process.pid)
            said = f"{process.communicate()[0]}\nkilled after {PATIENCE_SECONDS} s"
        assert process.returncode == 0, said
        return said

    def kill_when(self, program: str, arguments: Arguments, there: Callable[[], bool]) -> None:
        """Starts it, and kills every process of it once `there` says so."""
        process = self.start(program, arguments)
        ends = time.monotonic() + PATIENCE_SECONDS
        while not there() and process.poll() is None and time.monotonic() < ends:
            time.sleep(0.01)
        assert process.poll() is None, process.communicate()[0]
        kill(process.pid)
        process.communicate()


def kill(pid: int) -> None:
    """Ends torchrun and what it has started: each of its processes leads a session of its own."""
    one = psutil.Process(pid)
    for process in (*one.children(recursive=True), one):
        process.kill()


@pytest.fixture(scope="session")
def neuron() -> Neuron:
    python = os.environ.get("TRAINYARD_NEURON_PYTHON", "")
    if not python or not Path(python).is_file():
        pytest.skip("TRAINYARD_NEURON_PYTHON names no interpreter that has optimum-neuron and neuronx-distributed")
    return Neuron(python, os.environ.get("TRAINYARD_NEURON_PATH", ""))
