"""The journal: what is written can be followed at any moment, and a resumed training writes one unbroken curve."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workloads.programs import journal
from workloads.programs.journal import FILE, Journal, Progress


def test_a_line_that_is_not_yet_whole_is_passed_over(tmp_path: Path) -> None:
    Journal(tmp_path).log("step", step=1, loss=2.0)
    with (tmp_path / FILE).open("a") as file:
        file.write('{"event": "st')
    assert [event["step"] for event in journal.read(tmp_path)] == [1]


def test_rewinding_forgets_what_came_after_the_checkpoint_and_mends_a_torn_line(tmp_path: Path) -> None:
    written = Journal(tmp_path)
    for step in range(1, 6):
        written.log("step", step=step, loss=1.0)
    with (tmp_path / FILE).open("a") as file:
        file.write('{"event": "st')
    written.rewind(3)
    written.log("step", step=4, loss=1.0)
    lines = (tmp_path / FILE).read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 2, 3, 4]


def test_processes_that_are_not_the_first_write_nothing(tmp_path: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    silent = Journal(tmp_path, silent=True)
    silent.log("step", step=1)
    silent.say("hello")
    silent.rewind(0)
    assert not (tmp_path / FILE).exists()
    assert capsys.readouterr().out == ""


def test_what_came_of_a_step_is_its_last_word(tmp_path: Path) -> None:
    assert journal.result(tmp_path) == ""
    Journal(tmp_path).result("held-out loss 6.9 → 0.7")
    assert journal.result(tmp_path) == "held-out loss 6.9 → 0.7"


@given(done=st.integers(0, 10**9), total=st.integers(0, 10**9), loss=st.floats(0, 1e3), speed=st.integers(0, 10**9))
def test_who_hears_only_the_lines_for_people_learns_the_same(done: int, total: int, loss: float, speed: int) -> None:
    said: list[str] = []
    written = Journal(Path("/nowhere"))
    written.say = said.append  # type: ignore[method-assign]
    written.trained(done, total, loss, speed)
    (line,) = said
    assert journal.heard(line) == Progress(done, total, "steps", round(loss, 4), speed)


def test_progress_that_is_said_is_heard_and_told_alike(tmp_path: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    Journal(tmp_path).progress(1200, 50_000, "rows answered by the base model")
    (event,) = journal.read(tmp_path)
    assert journal.heard(capsys.readouterr().out.strip()) == journal.told(event)


@pytest.mark.parametrize("line", ["", "held-out loss after step 0: 6.65", "step 3 of 9", "of", "100%|███| 3/3"])
def test_a_line_that_tells_no_progress_is_heard_as_none(line: str) -> None:
    assert journal.heard(line) is None


def test_every_event_tells_when(tmp_path: Path) -> None:
    before = time.time()
    Journal(tmp_path).log("step", step=1, steps=2, loss=1.0)
    (event,) = journal.read(tmp_path)
    assert before - 1 <= event["at"] <= time.time() + 1
