"""`trainyard follow`: how it begins, how it ends, and what it says where there is nothing to follow."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stacks import names
from stacks.config import RawConfig
from stacks.diary import Diary
from stacks.program import run_of
from stacks.settings import read
from tests.conftest import PROJECT
from tests.stacks.follow.server import front
from tests.workloads.programs.run.server import make_certificate
from tests.workloads.programs.run.world import World


def follow(*arguments: object, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "stacks", "follow", *map(str, arguments)]
    env = {**os.environ, "COLUMNS": "200", **environment}
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, env=env, check=False)


@pytest.fixture
def rehearsing(tmp_path: Path) -> Diary:
    """A rehearsal in `tmp_path`, at its first step, carried out by this process."""
    diary = Diary(run_of(read(RawConfig({"platform": "local"}))), tmp_path)
    diary.started("base")
    return diary


def test_a_failed_rehearsal_ends_with_status_1_and_a_line_for_each_step(rehearsing: Diary, tmp_path: Path) -> None:
    rehearsing.ended("base", 2)
    told = follow("--folder", tmp_path)
    assert told.returncode == 1, told.stderr
    assert "failed (it ended with status 2)" in told.stdout
    assert told.stdout.splitlines()[-1].endswith("step base failed")
    assert "\x1b" not in told.stdout


def test_ctrl_c_leaves_without_a_word_of_python(rehearsing: Diary, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "stacks", "follow", "--folder", str(tmp_path)]
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout
    assert "running" in process.stdout.readline()
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    rest = process.stdout.read()
    assert process.wait() == 0
    assert "No longer following; what was followed goes on." in rest
    assert "Traceback" not in rest


def test_a_run_in_a_cluster_is_followed_by_its_kubeconfig(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path / "certificates")
    with front(World(tmp_path), certificate, tmp_path) as made:
        made.begin_run()
        made.end_run(False, "step train: it failed")
        told = follow("--kubeconfig", made.kubeconfig)
        assert told.returncode == 1, told.stderr
        assert "r: step train: it failed" in told.stdout
        made.token = "another"
        told = follow("--kubeconfig", made.kubeconfig, "--once")
    assert told.returncode == 2
    assert "does not accept the kubeconfig's credentials" in told.stderr
    assert "Traceback" not in told.stderr


def test_without_a_kubeconfig_named_the_context_is_the_one_that_the_stacks_own_command_writes() -> None:
    settings = read(RawConfig({"platform": "eks"}))
    assert names.context(settings, "dev") == "trainyard-dev"
    existing = {"context": "mine", "claim": "shared", "namespace": "mine"}
    images = {"neuron-training": "registry.test/n:1"}
    values = {"platform": "existing", "existing": existing, "images": images}
    assert names.context(read(RawConfig(values)), "dev") == "mine"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--kubeconfig", "/nowhere/config"], "the kubeconfig cannot be used"),
        (["--stack", "nowhere"], "Stacks here: dev, local."),
    ],
)
def test_where_there_is_nothing_to_follow_it_says_so(arguments: list[str], said: str) -> None:
    told = follow(*arguments)
    assert told.returncode == 2
    assert said in told.stderr
    assert "Traceback" not in told.stderr
