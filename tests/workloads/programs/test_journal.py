"""The journal: what is written can be followed at any moment, and a resumed training writes one unbroken curve."""

import json
from pathlib import Path

from workloads.programs import journal
from workloads.programs.journal import FILE, Journal


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
