"""A rehearsal is followed by what it notes and writes, while it runs, after it failed, and after it was killed."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from stacks.config import RawConfig
from stacks.diary import FILE, Diary, logs, newest
from stacks.follow.folder import Folder
from stacks.follow.picture import Picture, picture
from stacks.program import run_of
from stacks.run import Run, plan_of
from stacks.settings import read
from workloads.programs import folders
from workloads.programs.journal import Journal

RECIPE = "llama3-8b-text-to-sql"


@pytest.fixture(scope="module")
def run() -> Run:
    return run_of(read(RawConfig({"platform": "local", "recipe": RECIPE})))


@pytest.fixture
def diary(run: Run, tmp_path: Path) -> Diary:
    return Diary(run, tmp_path, lambda: 1000.0)


def step_folder(run: Run, shared: Path, step: str) -> Path:
    plan = plan_of(run, {one.name: "" for one in run.chosen}, timedelta(0))
    folder = shared / next(one.folder for one in plan.steps if one.name == step)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def look(shared: Path) -> Picture:
    return picture(Folder(shared, lambda: 1100.0).look())


def words(found: Picture) -> dict[str, str]:
    return {row.step.name: row.standing.word for row in found.rows}


def test_a_folder_without_a_rehearsal_is_told_in_a_sentence(tmp_path: Path) -> None:
    for shared in (tmp_path, tmp_path / "nowhere"):
        assert "there is no rehearsal in" in look(shared).verdict.text


def test_a_step_that_runs_is_shown_with_its_progress_and_its_log(run: Run, diary: Diary, tmp_path: Path) -> None:
    diary.started("base")
    folder = step_folder(run, tmp_path, "base")
    for step in (1, 2, 3, 4):
        speed = {"tokens_per_second": 900.0} if step % 2 == 0 else {}
        Journal(folder).log("step", step=step, steps=8, loss=2.0, **speed)
    (logs(tmp_path, RECIPE) / f"{folder.name}.log").write_text("one\ntwo\n")
    found = look(tmp_path)
    assert words(found)["base"] == "running"
    assert words(found)["train"] == "to come"
    assert found.progress is not None
    assert (found.progress.done, found.progress.tokens_per_second) == (4, 900.0)
    assert found.lines == ("one", "two")
    assert found.verdict.ok is None
    assert found.rows[0].since == 1000.0


def test_a_rehearsal_that_has_ended_is_shown_with_its_end(run: Run, diary: Diary, tmp_path: Path) -> None:
    for step in run.chosen:
        diary.started(step.name)
        folders.mark_done(step_folder(run, tmp_path, step.name))
        diary.ended(step.name, 0)
    found = look(tmp_path)
    assert set(words(found).values()) == {"done"}
    assert found.verdict.ok is True


def test_a_step_that_failed_is_the_one_that_is_looked_at(run: Run, diary: Diary, tmp_path: Path) -> None:
    diary.started("base")
    diary.ended("base", 2)
    found = look(tmp_path)
    assert (found.current, words(found)["base"], found.verdict.ok) == ("base", "failed", False)
    assert found.rows[0].standing.why == "it ended with status 2"


def test_a_killed_rehearsal_is_not_said_to_go_on(run: Run, diary: Diary, tmp_path: Path) -> None:
    diary.started("base")
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    file = logs(tmp_path, RECIPE) / FILE
    file.write_text(json.dumps({**json.loads(file.read_text()), "pid": gone.pid}))
    found = look(tmp_path)
    assert found.verdict.ok is False
    assert "the same command goes on from here" in found.rows[0].standing.why


def test_a_done_step_whose_file_was_lost_is_not_said_to_be_done(run: Run, diary: Diary, tmp_path: Path) -> None:
    diary.started("base")
    folder = step_folder(run, tmp_path, "base")
    (folder / "model").write_text("x")
    folders.mark_done(folder)
    diary.ended("base", 0)
    assert words(look(tmp_path))["base"] == "done"
    (folder / "model").unlink()
    assert str(look(tmp_path).rows[0].standing) == "succeeded (its folder is not whole)"


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"plan": 1, "pid": "x"}'])
def test_a_diary_that_cannot_be_read_is_as_none(content: str, tmp_path: Path) -> None:
    logs(tmp_path, RECIPE).mkdir(parents=True)
    (logs(tmp_path, RECIPE) / FILE).write_text(content)
    assert newest(tmp_path) is None


def test_the_newest_of_several_rehearsals_is_followed(run: Run, diary: Diary, tmp_path: Path) -> None:
    diary.started("base")
    other = tmp_path / "logs" / "other" / FILE
    other.parent.mkdir()
    text = (logs(tmp_path, RECIPE) / FILE).read_text()
    other.write_text(text.replace(f'"recipe": "{RECIPE}"', '"recipe": "other"'))
    os.utime(logs(tmp_path, RECIPE) / FILE, (1, 1))
    assert look(tmp_path).recipe == "other"
