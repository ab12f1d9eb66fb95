"""Checkpoints are whole or not there, and the newest whole one is the one to go on from."""

from pathlib import Path

import pytest

from workloads.programs.training.checkpoints import Checkpoints, OneProcess


@pytest.fixture
def checkpoints(tmp_path: Path) -> Checkpoints:
    return Checkpoints(tmp_path / "checkpoints", keep=2, processes=OneProcess())


def save(checkpoints: Checkpoints, step: int) -> None:
    (checkpoints.begin() / "state.pt").write_text(f"after step {step}")
    checkpoints.commit(step)


def test_there_is_none_before_the_first(checkpoints: Checkpoints) -> None:
    assert checkpoints.newest() is None


def test_the_newest_is_found_by_its_step_not_by_its_spelling(checkpoints: Checkpoints) -> None:
    for step in (2, 10, 100):
        save(checkpoints, step)
    found = checkpoints.newest()
    assert found
    assert found[0] == 100
    assert (found[1] / "state.pt").read_text() == "after step 100"


def test_only_the_newest_stay(checkpoints: Checkpoints, tmp_path: Path) -> None:
    for step in (1, 2, 3, 4):
        save(checkpoints, step)
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["step-00000003", "step-00000004"]


def test_one_that_was_never_committed_is_not_there(checkpoints: Checkpoints) -> None:
    save(checkpoints, 1)
    (checkpoints.begin() / "state.pt").write_text("half")  # and then the process was killed
    assert checkpoints.newest() == (1, checkpoints.newest()[1])  # type: ignore[index]


def test_one_that_lost_a_file_is_passed_over(checkpoints: Checkpoints) -> None:
    save(checkpoints, 1)
    save(checkpoints, 2)
    newest = checkpoints.newest()
    assert newest
    (newest[1] / "state.pt").write_text("cut")
    older = checkpoints.newest()
    assert older
    assert older[0] == 1


def test_a_step_saved_again_replaces_what_was_there(checkpoints: Checkpoints) -> None:
    save(checkpoints, 3)
    (checkpoints.begin() / "other.pt").write_text("again")
    checkpoints.commit(3)
    newest = checkpoints.newest()
    assert newest
    assert (newest[1] / "other.pt").read_text() == "again"
    assert not (newest[1] / "state.pt").exists()
