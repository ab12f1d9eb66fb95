"""`trainyard follow` on the real API server: a run that works, one that failed, and one that is done."""

import subprocess
import sys

import pytest
from pulumi import automation as auto

from tests.conftest import PROJECT
from tests.engine.stack import EngineStack

from .conftest import eventually
from .control_plane import ControlPlane
from .kubelet import Behaviour, Kubelet
from .test_existing import STEPS, UNTIL_TRAINED, ran


def follow(plane: ControlPlane, namespace: str, *more: str) -> "subprocess.CompletedProcess[str]":
    where = ["--kubeconfig", str(plane.kubeconfig), "--namespace", namespace]
    return subprocess.run(
        [sys.executable, "-m", "stacks", "follow", *where, *more],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_run_at_work_shows_each_steps_state(
    stack: EngineStack, machines: Kubelet, namespace: str, plane: ControlPlane
) -> None:
    machines.steps["train"] = Behaviour(None)
    stack.up(wait=False)
    eventually(lambda: ran(machines, namespace) == UNTIL_TRAINED)
    told = follow(plane, namespace, "--once")
    assert told.returncode == 0, told.stderr
    lines = [line.strip() for line in told.stdout.splitlines()]
    states = {step: next(line for line in lines if line.startswith(f"{step}-")) for step in STEPS}
    assert "done" in states["prepare"]
    assert "running" in states["train"]
    assert "done" not in states["test"]


def test_a_failed_run_ends_it_with_status_1_and_the_reason(
    stack: EngineStack, machines: Kubelet, namespace: str, plane: ControlPlane
) -> None:
    machines.steps["train"] = Behaviour(2, log="reading\nerror: the data has no tokens")
    with pytest.raises(auto.CommandError):
        stack.up()
    told = follow(plane, namespace)
    assert told.returncode == 1
    assert "the data has no tokens" in told.stdout + told.stderr


def test_a_run_that_is_done_is_followed_to_its_end(stack: EngineStack, namespace: str, plane: ControlPlane) -> None:
    stack.up()
    told = follow(plane, namespace)
    assert told.returncode == 0, told.stderr
    assert f"all {len(STEPS)} steps are done" in told.stdout
