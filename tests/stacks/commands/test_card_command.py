"""`trainyard card`: one shown, two compared, and the exit status that a script reads."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from stacks.cards import Difference, asked_alike, differences
from tests.conftest import PROJECT
from tests.workloads.programs.card.made import FACTS, made_run
from workloads.programs import card


@pytest.fixture
def left(tmp_path: Path) -> Path:
    card.write(tmp_path / "left", made_run(tmp_path / "runs"), FACTS)
    return tmp_path / "left"


def other(left: Path, **changes: Any) -> Path:
    """A card like the one in `left`, but for top-level `changes`."""
    place = left.with_name("right.json")
    place.write_text(json.dumps({**card.read(left), **changes}))
    return place


def trainyard(*arguments: object) -> Any:
    """The command in a process of its own: what other tests left behind in this one is not to matter."""
    done = subprocess.run(
        [sys.executable, "-m", "stacks", *map(str, arguments)],
        cwd=PROJECT,
        env={**os.environ, "COLUMNS": "160", "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return SimpleNamespace(exit_code=done.returncode, output=done.stdout)


def test_a_card_is_shown_with_results_steps_data_and_parameters(left: Path) -> None:
    told = trainyard("card", "show", left)
    assert told.exit_code == 0
    for said in ("text-to-sql", "5.500 → 1.500", "43.07", "exact match, tuned", "learning_rate", "sha256:ab"):
        assert said in told.output
    assert card.read(left)["data"]["fingerprint"] in told.output


def test_a_card_is_the_same_as_itself(left: Path) -> None:
    told = trainyard("card", "diff", left, left / card.JSON_FILE)
    assert told.exit_code == 0
    assert "The two cards tell the same." in told.output


def test_what_was_asked_differently_ends_with_status_1(left: Path) -> None:
    told = trainyard("card", "diff", left, other(left, parameters={"learning_rate": 0.002}))
    assert told.exit_code == 1
    assert "parameters.learning_rate" in told.output
    assert "-50.0%" in told.output


def test_what_only_came_out_differently_is_shown_and_ends_with_status_0(left: Path) -> None:
    told = trainyard("card", "diff", left, other(left, price={"dollars": 86.14, "by": None}))
    assert told.exit_code == 0
    assert "dollars" in told.output


@pytest.mark.parametrize("command", [("card", "show"), ("card", "diff")])
def test_a_file_that_is_none_is_told_in_words_with_status_2(command: tuple[str, str], left: Path) -> None:
    (left / "notes.txt").write_text("hello")
    arguments = [left / "notes.txt", left][: 2 if command[1] == "diff" else 1]
    told = trainyard(*command, *arguments)
    assert told.exit_code == 2
    assert "is no run card" in told.output
    assert "Traceback" not in told.output


def test_a_value_that_only_one_card_has_is_a_difference(left: Path) -> None:
    one = card.read(left)
    found = differences(one, {**one, "versions": {}})
    assert found == [Difference("versions", "trainyard", "0.1.0", None)]
    assert not asked_alike(found)


def test_changed_data_counts_as_asked_differently(left: Path) -> None:
    one = card.read(left)
    found = differences(one, {**one, "data": {**one["data"], "fingerprint": "another"}})
    assert [(each.section, each.name) for each in found] == [("data", "fingerprint")]
    assert not asked_alike(found)


@pytest.mark.parametrize(
    ("left_", "right", "change"), [(2.0, 3.0, 0.5), (-2.0, -1.0, 0.5), (0, 1, None), ("a", 1, None)]
)
def test_a_change_is_relative_to_the_left_one(left_: Any, right: Any, change: float | None) -> None:
    assert Difference("results", "x", left_, right).change == change
