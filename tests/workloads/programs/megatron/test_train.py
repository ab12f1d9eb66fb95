"""The step `train` around a stand-in of the repository: kills, resumes, a false end, several nodes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import PROJECT, as_argv
from workloads.programs import entry, folders, journal
from workloads.programs.errors import EXIT_USER_ERROR
from workloads.programs.megatron import checkpoints, train
from workloads.programs.megatron.node import Place

from .commands import arguments

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Starts the step on one node of two processes, with the stand-in as its torchrun."""
    (tmp_path / "bin").mkdir()
    torchrun = tmp_path / "bin" / "torchrun"
    torchrun.write_text(f'#!/bin/sh\nexec {sys.executable} {Path(__file__).with_name("repository_in_test.py")} "$@"\n')
    torchrun.chmod(0o755)
    home = tmp_path / "home"
    (home / "nemo/examples/nlp/language_modeling").mkdir(parents=True)
    for name in ("data", "tokenizer"):
        (tmp_path / name).mkdir()
        folders.mark_done(tmp_path / name)

    def run(fault: str = "", environment: dict[str, str] | None = None, **changes: Any) -> "subprocess.Popen[str]":
        given = {
            "out": str(tmp_path / "train"),
            "data": str(tmp_path / "data"),
            "tokenizer": str(tmp_path / "tokenizer"),
            "nodes": 1,
            "processes": 2,
            "max_steps": 8,
            "warmup_steps": 1,
            "checkpoint_every": 2,
            **changes,
        }
        return subprocess.Popen(
            [sys.executable, "-m", "programs.megatron.train", *as_argv(asdict(arguments(**given)))],
            env={
                **os.environ,
                "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
                "PYTHONPATH": str(PROJECT / "workloads"),
                "NEURONX_NEMO_MEGATRON": str(home),
                "FAULT": fault,
                **(environment or {}),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return run


def said(process: "subprocess.Popen[str]") -> tuple[int, str]:
    text, _ = process.communicate(timeout=120)
    return process.returncode, text


def steps(out: Path) -> list[int]:
    return [event["step"] for event in journal.read(out) if event["event"] == "step"]


def test_a_training_killed_while_it_saves_goes_on_from_the_whole_checkpoint_before(
    tmp_path: Path, start: Start
) -> None:
    out = tmp_path / "train"
    status, text = said(start("half:6"))
    assert status == 1
    assert "torchrun was killed by signal 9" in text
    assert not folders.is_done(out)
    status, text = said(start())
    assert status == 0, text
    assert "begins after step 4" in text
    assert steps(out) == list(range(1, 9))  # one unbroken curve
    last = [event for event in journal.read(out) if event["event"] == "step"][-1]
    assert last["loss"] == pytest.approx(10 / 8)
    assert last["tokens_per_second"] == pytest.approx(2 * 4096)
    assert "8 steps of 256 sequences, loss 1.250" in journal.result(out)
    assert folders.is_done(out)
    found = checkpoints.newest(out / "checkpoints")
    assert found
    assert found.step == 8


def test_a_training_that_says_it_is_done_before_its_last_step_is_not(tmp_path: Path, start: Start) -> None:
    status, text = said(start("early"))
    assert status == 1
    assert "training ended at step 4 of 8" in text
    assert not folders.is_done(tmp_path / "train")


def test_what_it_started_ends_with_it(tmp_path: Path, start: Start) -> None:
    """An orphan would keep the devices from the next try."""
    process = start("sleep")
    pid = tmp_path / "home/nemo/examples/nlp/language_modeling/pid"
    while not pid.is_file() or not pid.read_text():
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=30)
    for _ in range(300):
        if not Path(f"/proc/{pid.read_text()}").exists():
            return
        time.sleep(0.1)
    raise AssertionError("it lives on")


def test_another_node_trains_along_and_leaves_the_folder_to_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("data", "tokenizer", "train"):
        (tmp_path / name).mkdir()
        folders.mark_done(tmp_path / name)
    started: list[str] = []
    monkeypatch.setattr(train, "place", lambda _: Place(1, 4, "the-first"))
    monkeypatch.setattr(train, "carry_out", lambda command, log, heard: started.extend((*command.argv, log.name)))
    places = {name: str(tmp_path / name) for name in ("data", "tokenizer")}
    train.train(arguments(out=str(tmp_path / "train"), **places), tmp_path / "train")
    assert "the-first" in started
    assert started[-1] == "node-1.log"
    assert {path.name for path in (tmp_path / "train").iterdir()} == {folders.MARKER}


def test_of_the_nodes_under_mpirun_one_owns_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    for rank, first in (("0", True), ("3", False)):
        monkeypatch.setenv("OMPI_COMM_WORLD_RANK", rank)
        assert entry.is_first_process() is first


def test_a_gang_of_another_size_does_not_train(start: Start) -> None:
    status, text = said(start(nodes=2))
    assert status == EXIT_USER_ERROR
    assert "1 nodes were started, and the step is for 2" in text


def test_a_changed_training_goes_on_from_an_earlier_ones_checkpoint(tmp_path: Path, start: Start) -> None:
    earlier, later = tmp_path / "earlier", tmp_path / "later"
    assert said(start(out=str(earlier)))[0] == 0
    status, text = said(start(out=str(later), max_steps=12, resume_from=str(earlier)))
    assert status == 0, text
    assert "begins after step 8" in text
    assert steps(later) == [9, 10, 11, 12]
    assert checkpoints.newest(earlier / "checkpoints") is not None  # and it is still there for others


def test_an_earlier_training_without_a_whole_checkpoint_is_told(tmp_path: Path, start: Start) -> None:
    status, text = said(start(resume_from=str(tmp_path / "data")))
    assert status == EXIT_USER_ERROR
    assert "data holds no whole checkpoint to resume from" in text
