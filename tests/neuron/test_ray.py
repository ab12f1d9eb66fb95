"""The pretraining on Neuron as it runs in a cluster: by a worker of Ray Train, on a Ray that has a NeuronCore to give.

Its Ray is one of this machine's own, which takes it on trust that there is a NeuronCore. Skipped where the environment
of the Neuron libraries has no ray.
"""

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import as_argv
from tests.workloads.programs.pretraining.conftest import a_worker_of
from workloads.programs import folders
from workloads.programs.finetune import CHECKPOINTS

from .conftest import PATIENCE_SECONDS, Neuron, Trained, kill
from .curves import curve, losses, resumed_at
from .trainings import Arguments

pytestmark = pytest.mark.timeout(1200)

RAY = ["-m", "ray.scripts.scripts", "start", "--head", "--block", "--port=0", "--num-cpus=2"]
SMALL = ["--include-dashboard=false", f"--object-store-memory={80 * 2**20}"]
CORE = ["--resources", json.dumps({"neuron_cores": 1})]


@dataclass(frozen=True)
class Cluster:
    head: int
    """Process id of what started it."""
    command: list[str]
    environment: dict[str, str]

    def start(self, arguments: Arguments, log: Path) -> "subprocess.Popen[bytes]":
        with log.open("ab") as output:
            return subprocess.Popen(
                [*self.command, "-m", "programs.pretraining.train", *as_argv(arguments)],
                env=self.environment, stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip


def environment(neuron: Neuron, folder: Path) -> dict[str, str]:
    """Neuron's, without the `pkill` that Ray's Neuron backend runs: it looks at all processes of the machine."""
    folder.mkdir()
    harmless = folder / "pkill"
    harmless.write_text("#!/bin/sh\n")
    harmless.chmod(0o755)
    quiet = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_enable_metrics_collection": "0"}
    return {**neuron.environment(), "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", **quiet}


def wait(there: Callable[[], object], process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Returns once it is `there`; fails with the log where the process has ended before, or patience has."""
    ends = time.monotonic() + PATIENCE_SECONDS
    while not there():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < ends, log.read_text()
        time.sleep(0.01)


@pytest.fixture
def cluster(neuron: Neuron, tmp_path: Path) -> Iterator[Cluster]:
    around = environment(neuron, tmp_path / "bin")
    with_ray = subprocess.run([neuron.python, "-c", "import ray.train"], env=around, capture_output=True, check=False)
    if with_ray.returncode:
        pytest.skip("the environment of the Neuron libraries has no ray[train]")
    log = tmp_path / "ray.log"
    folder = Path(tempfile.mkdtemp(prefix="ray-"))  # a socket's path has 107 characters at the most
    with log.open("wb") as output:
        head = subprocess.Popen(
            [neuron.python, *RAY, *SMALL, *CORE, "--temp-dir", str(folder)],
            env=around, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        wait(lambda: "Ray runtime started" in log.read_text(), head, log)
        address = (folder / "ray_current_cluster").read_text()
        yield Cluster(head.pid, [neuron.python], {**around, "RAY_ADDRESS": address})
    finally:
        kill(head.pid)
        head.wait()
        shutil.rmtree(folder, ignore_errors=True)


def test_a_worker_killed_in_the_middle_is_replaced_and_learns_what_one_without_ray_does(
    cluster: Cluster, trained: Trained, tmp_path: Path
) -> None:
    alone, log = trained("pretraining"), tmp_path / "log"
    arguments = {**alone, "out": tmp_path / "train"}
    del arguments["weights"]  # worker_alone's own
    process = cluster.start(arguments, log)
    wait(lambda: any((arguments["out"] / CHECKPOINTS).glob("step-*6")), process, log)
    kill(a_worker_of(cluster.head))
    assert process.wait(PATIENCE_SECONDS) == 0, log.read_text()
    assert folders.is_done(arguments["out"])
    assert len(resumed_at(arguments["out"])) == 1
    assert [one[:2] for one in curve(arguments["out"])] == [one[:2] for one in curve(alone["out"])]
    assert losses(arguments["out"]) == pytest.approx(losses(alone["out"]), rel=1e-6)
    assert json.loads((arguments["out"] / "report.json").read_text())["resumes"] == 1
