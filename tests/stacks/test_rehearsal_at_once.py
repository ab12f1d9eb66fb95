"""Rehearsals that meet: two at the same time, one that is ended with Ctrl-C, one whose step outlived it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stacks.diary import newest
from stacks.rehearsal import begin_log
from tests.conftest import PROJECT
from tests.stacks.test_commands import quick, rehearse, step_folder
from workloads.programs import folders, journal

RECIPE = "llama3-8b-text-to-sql"
Begin = Callable[[], "subprocess.Popen[str]"]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Begins rehearsals in `tmp_path`, each in a session of its own as a terminal's, and ends them at last."""
    begun: list[subprocess.Popen[str]] = []

    def one() -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "stacks", "rehearse", RECIPE, "--folder", str(tmp_path)]
        words = [*command, *quick(base_steps=100_000)]
        pipe = subprocess.PIPE
        begun.append(subprocess.Popen(words, cwd=PROJECT, stdout=pipe, stderr=pipe, text=True, start_new_session=True))
        return begun[-1]

    yield one
    for process in begun:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
        finally:
            process.communicate()


def wait_for(happened: Callable[[], object]) -> None:
    while not happened():
        time.sleep(0.05)


def base_has_begun(shared: Path) -> Callable[[], bool]:
    return lambda: any(
        event["event"] == "step" for path in shared.glob("runs/*/base-*") for event in journal.read(path)
    )


def test_a_second_rehearsal_at_the_same_time_is_refused_and_the_first_goes_on(begin: Begin, tmp_path: Path) -> None:
    first = begin()
    wait_for(lambda: newest(tmp_path))
    told = rehearse(tmp_path, *quick())
    assert told.returncode == 2
    assert f"error: another rehearsal of {RECIPE} is at work in {tmp_path}." in told.stderr
    assert f"`trainyard follow --folder {tmp_path}`" in told.stderr
    noted = newest(tmp_path)
    assert noted
    assert noted.alive
    assert first.poll() is None


def test_ctrl_c_ends_a_rehearsal_with_its_step_and_says_how_to_go_on(begin: Begin, tmp_path: Path) -> None:
    process = begin()
    wait_for(base_has_begun(tmp_path))
    os.killpg(process.pid, signal.SIGINT)
    out, errors = process.communicate()
    assert process.returncode == 130
    assert "the same command goes on from here" in out
    assert "Traceback" not in out + errors
    with folders.locked(step_folder(tmp_path, "base")):  # its step holds it no longer
        pass


def test_what_outlived_its_rehearsal_writes_at_the_end_of_the_log_that_was_begun_anew(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "base.log"
    with begin_log(log) as before:
        print("step 10 of 500", file=before, flush=True)
        with begin_log(log) as anew:
            print("waiting", file=anew, flush=True)
            print("step 20 of 500", file=before, flush=True)
    assert log.read_text() == "waiting\nstep 20 of 500\n"
