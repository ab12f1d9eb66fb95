"""Training: it learns, it resumes to the very same curve after a kill, and processes agree with one another."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.conftest import as_argv
from workloads.programs import entry, finetune, folders, journal
from workloads.programs.finetune import RESUMABLE
from workloads.programs.training.board import FOLDER as TENSORBOARD
from workloads.recipes.sources import ROOT

Make = Callable[..., dict[str, Any]]
MODULE = "programs.text_to_sql.train"


def train(arguments: dict[str, Any]) -> int:
    return entry.main(finetune.Arguments, finetune.finetune, as_argv(arguments), resumable=RESUMABLE)


def start(arguments: dict[str, Any], *launcher: str) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *launcher, "-m", MODULE, *as_argv(arguments)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)


def curve(folder: Path) -> list[tuple[str, int, float]]:
    """Every loss that a training logged, with its step."""
    events = [event for event in journal.read(folder) if event["event"] in ("step", "eval")]
    return [(event["event"], event["step"], event["loss"]) for event in events]


def losses(folder: Path, kind: str) -> list[float]:
    return [loss for event, _, loss in curve(folder) if event == kind]


def test_the_held_out_loss_falls(train_arguments: Make) -> None:
    arguments = train_arguments()
    assert train(arguments) == 0
    held_out = losses(arguments["out"], "eval")
    assert held_out[-1] < 0.9 * held_out[0]
    assert len(losses(arguments["out"], "step")) == arguments["max_steps"]


@pytest.mark.parametrize("seed", [0, 1])
def test_a_training_killed_at_any_step_ends_with_the_curve_of_an_unbroken_one(
    train_arguments: Make, tmp_path: Path, seed: int
) -> None:
    unbroken = train_arguments(out=tmp_path / "unbroken", checkpoint_every=3, log_every=1, max_steps=40)
    assert start(unbroken).wait() == 0
    broken = {**unbroken, "out": tmp_path / "broken"}
    killed_after = random.Random(seed).randint(4, 36)
    process = start(broken)
    while len(losses(broken["out"], "step")) < killed_after:
        time.sleep(0.01)
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not folders.is_done(broken["out"])
    assert start(broken).wait() == 0
    assert curve(broken["out"]) == curve(unbroken["out"])
    assert [event["event"] for event in journal.read(broken["out"])].count("resume") == 1


def test_a_training_killed_before_its_first_checkpoint_begins_anew(train_arguments: Make, tmp_path: Path) -> None:
    unbroken = train_arguments(out=tmp_path / "unbroken", log_every=1, checkpoint_every=20)
    train(unbroken)
    broken = {**unbroken, "out": tmp_path / "broken"}
    process = start(broken)
    while not losses(broken["out"], "step"):
        time.sleep(0.01)
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    train(broken)
    assert [point[:2] for point in curve(broken["out"])] == [point[:2] for point in curve(unbroken["out"])]


def test_a_training_that_runs_away_is_stopped_rather_than_paid_for(
    train_arguments: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = train_arguments(learning_rate=1e30, max_grad_norm=1e30, warmup_steps=0)
    assert train(arguments) != 0
    assert "The loss is no longer a number by step 4" in capsys.readouterr().err
    assert not folders.is_done(arguments["out"])


def test_a_torn_checkpoint_is_passed_over_for_the_one_before(train_arguments: Make, tmp_path: Path) -> None:
    unbroken = train_arguments(out=tmp_path / "unbroken")
    train(unbroken)
    torn = train_arguments(out=tmp_path / "torn", max_steps=20)
    train(torn)
    (tmp_path / "torn" / folders.MARKER).unlink()
    newest = sorted((tmp_path / "torn" / "checkpoints").glob("step-*"))[-1]
    (newest / "state.pt").write_bytes(b"torn")
    assert train(torn) == 0
    assert curve(tmp_path / "torn") == curve(tmp_path / "unbroken")


def test_two_processes_train_as_one_with_twice_the_accumulation(train_arguments: Make, tmp_path: Path) -> None:
    """Up to rounding: the same blocks, summed in another order. Dropout would draw apart, so it is off."""
    alone = train_arguments(out=tmp_path / "alone", accumulation=4, lora_dropout=0.0, max_steps=6)
    train(alone)
    joined = {**alone, "out": tmp_path / "joined", "accumulation": 2}
    port = str(random.randint(20000, 40000))
    launcher = ("-m", "torch.distributed.run", "--nproc_per_node=2", f"--master_port={port}")
    assert start(joined, *launcher).wait() == 0
    assert losses(joined["out"], "step") == pytest.approx(losses(alone["out"], "step"), rel=0.02)
    assert folders.is_done(joined["out"])


def test_trading_memory_for_time_changes_no_loss(train_arguments: Make, tmp_path: Path) -> None:
    plain = train_arguments(out=tmp_path / "plain", max_steps=4)
    frugal = {**plain, "out": tmp_path / "frugal", "gradient_checkpointing": True}
    train(plain)
    train(frugal)
    assert losses(frugal["out"], "step") == pytest.approx(losses(plain["out"], "step"), rel=1e-5)


def test_only_the_adapters_are_trained(train_arguments: Make, tiny_base: Path) -> None:
    arguments = train_arguments(max_steps=2)
    before = (tiny_base / "model" / "model.safetensors").read_bytes()
    train(arguments)
    weights = torch.load(sorted((arguments["out"] / "checkpoints").glob("step-*"))[-1] / "state.pt")["weights"]
    assert weights
    assert all("lora_" in name for name in weights)
    assert (tiny_base / "model" / "model.safetensors").read_bytes() == before


def test_too_little_data_for_one_step_is_told_with_its_sum(
    train_arguments: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(train_arguments(micro_batch=500)) != 0
    assert "500 a micro-batch × 2 accumulated × 1 data-parallel ranks" in capsys.readouterr().err


def test_data_that_is_not_done_is_refused(
    train_arguments: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "half").mkdir()
    assert train(train_arguments(data=tmp_path / "half")) != 0
    assert "has not ended" in capsys.readouterr().err


def test_the_curves_are_in_tensorboard_too(train_arguments: Make) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    arguments = train_arguments(max_steps=4, eval_every=2)
    train(arguments)
    events = EventAccumulator(str(arguments["out"] / TENSORBOARD))
    events.Reload()
    shown = {point.step: point.value for point in events.Scalars("step/loss")}
    assert list(shown.values()) == pytest.approx(losses(arguments["out"], "step"))


def test_every_line_of_the_journal_is_json(train_arguments: Make) -> None:
    arguments = train_arguments(max_steps=2)
    train(arguments)
    for line in (arguments["out"] / journal.FILE).read_text().splitlines():
        assert "event" in json.loads(line)
