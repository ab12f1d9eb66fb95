"""A training that begins from an earlier one's checkpoint: one unbroken curve, and the earlier one stays as it was."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.conftest import as_argv
from workloads.programs import entry, finetune, folders, journal
from workloads.programs.finetune import CHECKPOINTS, RESUMABLE
from workloads.recipes.sources import ROOT

Make = Callable[..., dict[str, Any]]
Point = tuple[str, int, float]


def train(arguments: dict[str, Any]) -> int:
    return entry.main(finetune.Arguments, finetune.finetune, as_argv(arguments), resumable=RESUMABLE)


def start(arguments: dict[str, Any]) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "programs.text_to_sql.train", *as_argv(arguments)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)


def curve(folder: Path) -> list[Point]:
    """Every loss that a training logged, with its step."""
    events = [event for event in journal.read(folder) if event["event"] in ("step", "eval")]
    return [(event["event"], event["step"], event["loss"]) for event in events]


def steps(folder: Path) -> list[int]:
    return [step for event, step, _ in curve(folder) if event == "step"]


def resumed_at(folder: Path) -> list[int]:
    return [event["step"] for event in journal.read(folder) if event["event"] == "resume"]


def content(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file below `folder`, hidden ones too, with the time of its last change."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def drop_checkpoints_after(folder: Path, step: int) -> None:
    for path in (folder / CHECKPOINTS).glob("step-*"):
        if int(path.name.removeprefix("step-")) > step:
            shutil.rmtree(path)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """As many as the processes have that these tests start: sums come out to the very same bits."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("made_once") / "earlier"


@pytest.fixture
def earlier(train_arguments: Make, tmp_path: Path, made_once: Path) -> dict[str, Any]:
    """Arguments of a done training of 6 steps with a checkpoint after each 2; each test has a copy of its folder."""
    arguments = train_arguments(
        max_steps=6, accumulation=1, log_every=2, eval_every=3, checkpoint_every=2, keep_checkpoints=3
    )
    if not made_once.exists():
        assert train({**arguments, "out": made_once}) == 0
    shutil.copytree(made_once, tmp_path / "earlier")
    return {**arguments, "out": tmp_path / "earlier"}


@pytest.fixture
def later(earlier: dict[str, Any], tmp_path: Path) -> Make:
    """Arguments of a training of 10 steps that begins from the earlier one; keywords change them."""

    def make(**changes: Any) -> dict[str, Any]:
        return {**earlier, "out": tmp_path / "later", "max_steps": 10, "resume_from": earlier["out"], **changes}

    return make


def test_more_steps_go_on_from_where_the_earlier_training_ended(earlier: dict[str, Any], later: Make) -> None:
    arguments = later()
    assert train(arguments) == 0
    assert folders.is_done(arguments["out"])
    assert curve(arguments["out"])[: len(curve(earlier["out"]))] == curve(earlier["out"])
    assert steps(arguments["out"]) == list(range(1, 11))
    assert [step for event, step, _ in curve(arguments["out"]) if event == "eval"] == [0, 3, 6, 9, 10]
    assert resumed_at(arguments["out"]) == [6]


def test_the_curve_from_a_checkpoint_on_is_the_very_one_of_a_training_without_a_break(
    earlier: dict[str, Any], later: Make
) -> None:
    drop_checkpoints_after(earlier["out"], 2)
    resumed = later(max_steps=6)
    assert train(resumed) == 0
    assert curve(resumed["out"]) == curve(earlier["out"])
    assert resumed_at(resumed["out"]) == [2]


def test_what_came_of_the_earlier_training_is_not_told_as_a_result_of_this_one(later: Make) -> None:
    arguments = later()
    assert train(arguments) == 0
    told = [event["text"] for event in journal.read(arguments["out"]) if event["event"] == "result"]
    assert len(told) == 1
    assert told[0].endswith("in 10 steps")


def test_the_earlier_training_is_only_read(earlier: dict[str, Any], later: Make) -> None:
    before = content(earlier["out"])
    assert train(later(keep_checkpoints=1)) == 0
    assert content(earlier["out"]) == before


def test_a_torn_checkpoint_of_the_earlier_training_is_passed_over_for_the_one_before(
    earlier: dict[str, Any], later: Make
) -> None:
    (earlier["out"] / CHECKPOINTS / "step-00000006" / "state.pt").write_bytes(b"torn")
    arguments = later()
    assert train(arguments) == 0
    assert resumed_at(arguments["out"]) == [4]
    assert steps(arguments["out"]) == list(range(1, 11))


def test_an_earlier_training_without_a_curve_is_gone_on_from_all_the_same(earlier: dict[str, Any], later: Make) -> None:
    (earlier["out"] / journal.FILE).unlink()
    arguments = later()
    assert train(arguments) == 0
    assert steps(arguments["out"]) == list(range(7, 11))


# kills


def test_after_a_kill_its_own_checkpoints_come_before_the_earlier_ones(later: Make) -> None:
    arguments = later(max_steps=40, log_every=1)
    process = start(arguments)
    while len(steps(arguments["out"])) < 15:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert train(arguments) == 0
    first, second = resumed_at(arguments["out"])
    assert first == 6
    assert second >= 14
    assert steps(arguments["out"]) == list(range(1, 41))


def begun(arguments: dict[str, Any], own: int) -> None:
    """Leaves the folder as a kill does after the checkpoint of step `own`."""
    assert train(arguments) == 0
    (arguments["out"] / folders.MARKER).unlink()
    drop_checkpoints_after(arguments["out"], own)


def test_once_begun_it_no_longer_needs_the_earlier_training(earlier: dict[str, Any], later: Make) -> None:
    arguments = later(keep_checkpoints=9)
    begun(arguments, own=8)
    shutil.rmtree(earlier["out"])
    assert train(arguments) == 0
    assert resumed_at(arguments["out"]) == [6, 8]
    assert steps(arguments["out"]) == list(range(1, 11))


def test_a_kill_before_its_first_checkpoint_brings_it_back_to_the_earlier_one(later: Make) -> None:
    arguments = later(keep_checkpoints=9)
    begun(arguments, own=0)
    assert train(arguments) == 0
    assert resumed_at(arguments["out"]) == [6, 6]
    assert steps(arguments["out"]) == list(range(1, 11))


# mistakes


def refused(arguments: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> str:
    """What is said of a mistake: one line, and the status that is not tried again."""
    capsys.readouterr()
    assert train(arguments) == 2
    told = [line for line in capsys.readouterr().err.splitlines() if line]
    assert len(told) == 1, told
    assert told[0].startswith("error: ")
    assert not folders.is_done(arguments["out"])
    return told[0]


def test_an_earlier_training_that_is_not_there_is_told(
    later: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = refused(later(resume_from=tmp_path / "nowhere"), capsys)
    assert f"trainyard:resumeFrom: {tmp_path / 'nowhere'} holds no whole checkpoint." in told


def test_an_earlier_training_without_a_whole_checkpoint_is_told(
    earlier: dict[str, Any], later: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (earlier["out"] / CHECKPOINTS).glob("step-*"):
        (path / "state.pt").write_bytes(b"torn")
    assert f"{earlier['out']} holds no whole checkpoint." in refused(later(), capsys)


@pytest.mark.parametrize("max_steps", [6, 4])
def test_no_more_steps_than_were_done_already_are_told_with_both_numbers(
    later: Make, capsys: pytest.CaptureFixture[str], max_steps: int
) -> None:
    told = refused(later(max_steps=max_steps), capsys)
    assert f"has done 6 steps already, and max_steps is {max_steps}." in told
    assert "trainyard:parameters.max_steps" in told


@pytest.mark.parametrize(
    "changes",
    [{"lora_rank": 8}, {"lora_targets": ["q_proj"]}, {"lora_targets": ["q_proj", "lm_head"]}],
    ids=["another rank", "fewer targets", "other targets"],
)
def test_a_checkpoint_that_does_not_fit_the_model_is_told(
    later: Make, capsys: pytest.CaptureFixture[str], changes: dict[str, Any]
) -> None:
    told = refused(later(**changes), capsys)
    assert "step-00000006 does not fit the model to train: " in told
    assert "Leave trainyard:resumeFrom out" in told


def test_more_targets_than_the_checkpoint_has_are_told_rather_than_begun_anew(
    earlier: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fewer = {**earlier, "out": tmp_path / "fewer", "lora_targets": ["q_proj"]}
    assert train(fewer) == 0
    more = {**earlier, "out": tmp_path / "more", "max_steps": 10, "resume_from": fewer["out"]}
    assert "does not fit the model to train: " in refused(more, capsys)


def test_a_mistake_leaves_the_folder_free_for_the_mended_training(
    later: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    refused(later(lora_rank=8), capsys)
    arguments = later()
    assert train(arguments) == 0
    assert steps(arguments["out"]) == list(range(1, 11))


def test_a_mistake_ends_a_real_process_with_status_2_and_no_traceback(later: Make) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "programs.text_to_sql.train", *as_argv(later(max_steps=6))]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert "has done 6 steps already" in ended.stderr
