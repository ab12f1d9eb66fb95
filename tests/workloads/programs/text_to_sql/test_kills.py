"""A step killed in the middle leaves nothing that the next run takes for finished, and the next run finishes it."""

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

from tests.conftest import DATA, as_argv
from workloads.programs import entry, finetune, folders
from workloads.recipes.sources import ROOT

Make = Callable[..., dict[str, Any]]
STEPS = ("base", "prepare", "consolidate", "test")


@pytest.fixture
def arguments(
    train_arguments: Make, tmp_path: Path, rows_file: Path, tiny_base: Path, prepared: Path
) -> dict[str, dict[str, Any]]:
    """Arguments of every step but train, each after the one before."""
    model = {"model": tiny_base / "model", "model_revision": "main", "precision": "fp32"}
    tokenizer = {"tokenizer": tiny_base / "model", "tokenizer_revision": "main", "processes": 1}
    base = {"vocabulary": 512, "steps": 20, "micro_batch": 4, "learning_rate": 3e-3, "seed": 1}
    asked = {"rows": 4, "max_new_tokens": 8, "batch": 2, "examples": 1}
    made = {
        "base": {"dataset": rows_file, **DATA, **base},
        "prepare": {"dataset": rows_file, **DATA, **tokenizer},
        "consolidate": {"train": tmp_path / "train", "data": prepared, **model},
        "test": {"data": prepared, "tuned": tmp_path / "whole" / "consolidate", **model, **asked},
    }
    train = train_arguments(max_steps=2)
    entry.main(finetune.Arguments, finetune.finetune, as_argv(train))
    return made


def start(step: str, out: Path, arguments: dict[str, Any]) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", f"programs.text_to_sql.{step}", *as_argv({"out": out, **arguments})]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL)


def results(folder: Path) -> dict[str, bytes]:
    """What a step made, but for logs and checkpoints, which tell the time."""
    passing = ("metrics.jsonl", "tensorboard", "checkpoints")
    return {name: (folder / name).read_bytes() for name in folders.sizes(folder) if not name.startswith(passing)}


def test_every_step_is_either_whole_or_not_done_whenever_it_is_killed(
    arguments: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    rng = random.Random(4)
    for step in STEPS:
        whole, killed = tmp_path / "whole" / step, tmp_path / "killed" / step
        began = time.monotonic()
        assert start(step, whole, arguments[step]).wait() == 0
        took = time.monotonic() - began
        process = start(step, killed, arguments[step])
        time.sleep(took * rng.uniform(0.5, 0.95))
        process.send_signal(signal.SIGKILL)
        ended_before = process.wait() == 0
        assert folders.is_done(killed) or not ended_before  # killed after its marker, it is whole all the same
        assert start(step, killed, arguments[step]).wait() == 0
        assert folders.is_done(killed)
        assert results(killed) == results(whole), step
