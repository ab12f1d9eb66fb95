"""Training by Ray Train's workers, on a real local Ray: it survives its workers, and it says what is wrong."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import as_argv
from tests.workloads.programs.pretraining.conftest import a_worker_of
from workloads.programs import folders, journal
from workloads.recipes.sources import ROOT

Make = Callable[..., dict[str, Any]]
pytestmark = pytest.mark.timeout(900)  # starting Ray takes most of it, several times over where a worker is lost


def start(arguments: dict[str, Any], log: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "programs.pretraining.train", *as_argv(arguments)]
    with log.open("ab") as output:
        return subprocess.Popen(
            command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=output, stderr=subprocess.STDOUT
        )


def losses(folder: Path) -> dict[int, float]:
    return {event["step"]: event["loss"] for event in journal.read(folder) if event["event"] == "step"}


def test_a_worker_killed_in_the_middle_is_replaced_and_the_curve_goes_on_unbroken(
    pretrain_arguments: Make, tmp_path: Path
) -> None:
    arguments, log = pretrain_arguments(), tmp_path / "log"
    out = arguments["out"]
    process = start(arguments, log)
    while len(losses(out)) < 12:
        time.sleep(0.05)
        assert process.poll() is None, log.read_text()
    worker = a_worker_of(process.pid)
    assert worker
    os.kill(worker, signal.SIGKILL)
    assert process.wait() == 0, log.read_text()
    assert folders.is_done(out)
    resumed = [event["step"] for event in journal.read(out) if event["event"] == "resume"]
    assert len(resumed) == 1
    assert resumed[0] >= 10
    assert list(losses(out)) == list(range(1, 41))
    unbroken = pretrain_arguments(out=tmp_path / "unbroken")
    assert start(unbroken, log).wait() == 0, log.read_text()
    assert losses(out) == pytest.approx(losses(tmp_path / "unbroken"), rel=1e-6)
    report = json.loads((out / "report.json").read_text())
    assert report["resumes"] == 1
    assert report["held_out_loss"] < 0.9 * report["held_out_loss_before"]
    assert not (out / ".work").exists()


def test_a_mistake_that_workers_find_ends_training_with_its_own_words_and_status(
    pretrain_arguments: Make, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    arguments = pretrain_arguments(learning_rate=1e30, max_grad_norm=1e30, warmup_steps=0)
    assert start(arguments, log).wait() == 2
    # Ray's own processes may still have a word after it
    assert any(line.startswith("error: The loss is no longer a number") for line in log.read_text().splitlines())
    assert not folders.is_done(arguments["out"])


def test_a_vocabulary_too_small_for_the_tokenizer_is_refused_before_ray_is_started(
    pretrain_arguments: Make, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    assert start(pretrain_arguments(vocabulary=256), log).wait() == 2
    assert "The tokenizer has 512 tokens, and the model's vocabulary has room for 256." in log.read_text()
    assert "Ray" not in log.read_text()
