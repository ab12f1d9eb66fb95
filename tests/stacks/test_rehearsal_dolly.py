"""The rehearsal of llama2-7b-dolly with its own defaults, and one whose training is killed."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from workloads.programs import folders, journal

pytestmark = pytest.mark.timeout(1500)  # a whole rehearsal, beside whatever else a machine has to do

STEPS = ["base", "prepare", "train", "consolidate", "generate"]


def start(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "stacks", "rehearse", "llama2-7b-dolly", "--folder", str(folder), *arguments]
    return subprocess.Popen(
        command,
        cwd=PROJECT,
        env={**os.environ, "COLUMNS": "200", "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def kill_family(process: "subprocess.Popen[str]") -> None:
    """Kills `process` and all that it started, deeper down too: torchrun gives its workers sessions of their own, and
    they would train to the end without it."""
    told = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = {int(pid): int(parent) for pid, parent in (line.split() for line in told.splitlines())}
    family = {process.pid}
    while grown := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= grown
    for pid in family:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.communicate()


def done(shared: Path, step: str) -> list[Path]:
    return [one for one in (shared / "runs" / "llama2-7b-dolly").glob(f"{step}-*") if folders.is_done(one)]


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    shared = tmp_path_factory.mktemp("shared")
    process = start(shared)
    said, _ = process.communicate()
    assert process.returncode == 0, said
    return shared, said


def test_every_step_is_done_and_two_processes_share_the_data(rehearsed: tuple[Path, str]) -> None:
    """Each step reads 4 (micro_batch) × 2 (processes) × 2 (accumulation) blocks, whole batches alone, 40 times."""
    found = {step: done(rehearsed[0], step) for step in STEPS}
    assert {step: len(folders_) for step, folders_ in found.items()} == dict.fromkeys(STEPS, 1)
    blocks = json.loads((found["prepare"][0] / "data.json").read_text())["train"]["blocks"]
    assert _steps(found["train"][0]) == 40 * (blocks // 16)


def test_what_needs_a_neuron_device_is_named_in_the_summary_with_the_reason(rehearsed: tuple[Path, str]) -> None:
    summary = rehearsed[1].partition("Rehearsal")[2]
    for step in ("compile", "export"):
        (line,) = [line for line in summary.splitlines() if line.strip("│ ").startswith(step)]
        assert "not rehearsed: " in line


def test_the_held_out_loss_falls_to_less_than_a_fifth(rehearsed: tuple[Path, str]) -> None:
    (trained,) = done(rehearsed[0], "train")
    losses = [event["loss"] for event in journal.read(trained) if event["event"] == "eval"]
    assert losses[-1] < losses[0] / 5


def test_the_tuned_model_answers_some_that_it_was_not_trained_on_word_for_word(rehearsed: tuple[Path, str]) -> None:
    (generated,) = done(rehearsed[0], "generate")
    report = json.loads((generated / "report.json").read_text())
    assert report["answers"] == report["references"] == 32
    assert report["same"] >= 8


def test_a_training_whose_processes_are_killed_goes_on_from_its_checkpoint_to_the_same_end(
    rehearsed: tuple[Path, str],
) -> None:
    shared, _ = rehearsed
    changes = ["--set", "max_steps=24", "--set", "checkpoint_every=4", "--set", "eval_every=12"]
    trains = shared / "runs" / "llama2-7b-dolly"
    before = set(trains.glob("train-*"))
    process = start(shared, *changes)
    new: set[Path] = set()
    while not any(list(one.glob("checkpoints/step-*")) for one in new):
        time.sleep(0.02)
        new = set(trains.glob("train-*")) - before
        assert process.poll() is None
    kill_family(process)
    (folder,) = new
    assert not folders.is_done(folder)
    again = start(shared, *changes)
    said, _ = again.communicate()
    assert again.returncode == 0, said
    events = list(journal.read(folder))
    assert [event["step"] for event in events if event["event"] == "resume"][-1] >= 4
    assert [event["step"] for event in events if event["event"] == "step"] == list(range(1, 25))


def _steps(folder: Path) -> int:
    return max((event.get("step", 0) for event in journal.read(folder)), default=0)
