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
from typing import Any, Protocol

import psutil
import pytest

from tests.conftest import PROJECT, as_argv
from tests.workloads.programs.dolly.conftest import dolly_arguments, dolly_base, dolly_data, dolly_rows
from tests.workloads.programs.pretraining.conftest import prepared_corpus, pretrain_arguments, small_tokenizer
from workloads.programs import folders
from workloads.recipes.sources import ROOT

from .trainings import PROGRAMS, Arguments, Make, Training

__all__ = [
    "dolly_arguments",
    "dolly_base",
    "dolly_data",
    "dolly_rows",
    "prepared_corpus",
    "pretrain_arguments",
    "small_tokenizer",
]  # fixtures of other folders, which are fixtures here by being imported

PATIENCE_SECONDS = 240


@dataclass(frozen=True)
class Neuron:
    """Runs programs there, each under torchrun with one process, as on one NeuronCore.

    A program is a module's name, or a script's path.
    """

    python: str
    path: str

    def environment(self) -> dict[str, str]:
        path = os.pathsep.join(filter(None, (self.path, str(ROOT), str(PROJECT))))
        return {**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", "HF_HUB_OFFLINE": "1"}

    def start(self, program: str, arguments: Arguments) -> "subprocess.Popen[str]":
        torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=1"]
        module = [] if Path(program).is_file() else ["-m"]
        return subprocess.Popen(
            [self.python, *torchrun, *module, program, *as_argv(arguments)],
            env=self.environment(),
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


@pytest.fixture
def trainings(train_arguments: Make, dolly_arguments: Make, pretrain_arguments: Make) -> dict[str, Training]:
    """Every program that trains."""

    def alone(**changes: Any) -> Arguments:
        return pretrain_arguments(**{"workers": 1, "weights": "", **changes})

    makes = {"adapters": train_arguments, "dolly": dolly_arguments, "pretraining": alone}
    return {name: Training(PROGRAMS[name], make) for name, make in makes.items()}


@pytest.fixture(scope="session")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of trainings on Neuron that nothing happened to."""
    return tmp_path_factory.mktemp("unbroken")


class Trained(Protocol):
    def __call__(self, name: str, **changes: Any) -> Arguments: ...


@pytest.fixture
def trained(neuron: Neuron, trainings: dict[str, Training], unbroken: Path) -> Trained:
    """Has a training of that name run on Neuron, once for all tests; gives its arguments."""

    def run(name: str, **changes: Any) -> Arguments:
        folder = unbroken / "-".join([name, *(f"{key}={value}" for key, value in changes.items())]).replace("/", "_")
        arguments = trainings[name].on_neuron(folder, **changes)
        if not folders.is_done(folder):
            neuron.run(trainings[name].program.name, arguments)
        return arguments

    return run
