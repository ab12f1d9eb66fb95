"""The program of a run, as a pod starts it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from tests.workloads.programs.run.server import ITEM, Server, no, says
from workloads.programs import folders
from workloads.programs.run.plan import Plan, StepPlan

# --- the program, as a pod starts it

STEP = StepPlan("train", "abc", "step-train-abc", "digest", "runs/r/train-abc", (), 3600)


@dataclass(slots=True)
class Pod:
    """A run's pod: its files are in `folder`, and its shared volume too."""

    folder: Path
    account: Path
    port: int

    @contextmanager
    def started(self) -> Iterator[subprocess.Popen[str]]:
        plan = self.folder / "plan.json"
        plan.write_text(json.dumps(asdict(Plan("r", (STEP,), {}, 3600))))
        files = {"--plan": plan, "--shared": self.shared, "--message": self.message_file, "--account": self.account}
        given = [str(word) for pair in files.items() for word in pair]
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(PROJECT / "workloads"),
            "RUN_UID": "this",
            "KUBERNETES_SERVICE_HOST": "127.0.0.1",
            "KUBERNETES_SERVICE_PORT": str(self.port),
        }
        command = [sys.executable, "-m", "programs.run.main", *given, "--interval", "0.05"]
        told = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        with subprocess.Popen(command, env=environment, **told) as process:
            try:
                yield process
            finally:
                process.kill()

    @property
    def shared(self) -> Path:
        return self.folder / "shared"

    @property
    def message_file(self) -> Path:
        return self.folder / "termination-log"


@pytest.fixture
def pod(server: Server, account: Path, tmp_path: Path) -> Pod:
    server.answer = lambda request: says(items=[])
    return Pod(tmp_path, account, server.port)


def test_a_run_whose_steps_are_done_ends_with_status_0_and_says_so(pod: Pod) -> None:
    folder = pod.shared / STEP.folder
    folder.mkdir(parents=True)
    folders.mark_done(folder)
    with pod.started() as process:
        told, _ = process.communicate(timeout=20)
    assert process.returncode == 0, told
    assert pod.message_file.read_text() == "r: all 1 steps are done"


def test_a_run_that_cannot_go_on_ends_with_status_1_and_the_reason(pod: Pod, server: Server) -> None:
    server.answer = lambda request: no(404, "gone") if "configmaps" in request.path else says(items=[])
    with pod.started() as process:
        told, _ = process.communicate(timeout=20)
    assert process.returncode == 1, told
    assert pod.message_file.read_text() == "step train: the cluster refuses it: gone"
    assert pod.message_file.read_text() in told


def test_a_run_that_is_told_to_go_goes_at_once_and_stops_nothing(pod: Pod, server: Server) -> None:
    data = {"objects.json": json.dumps([ITEM])}
    server.answer = lambda request: says(items=[], metadata={"uid": "uid"}, data=data)
    with pod.started() as process:
        deadline = time.monotonic() + 20
        while not any(one.method == "POST" for one in [*server.requests]) and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        told, _ = process.communicate(timeout=20)
    assert process.returncode == 143, told
    assert {one.method for one in server.requests} == {"GET", "POST"}
