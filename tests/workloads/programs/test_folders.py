"""A step's folder is whole or not done; nothing in between is taken for a result."""

from pathlib import Path

import pytest

from workloads.programs import folders
from workloads.programs.errors import UserError


@pytest.fixture
def done(tmp_path: Path) -> Path:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights").write_bytes(b"12345")
    (tmp_path / "report.md").write_text("fine")
    folders.mark_done(tmp_path)
    return tmp_path


def test_a_folder_is_done_only_once_it_is_marked(tmp_path: Path) -> None:
    (tmp_path / "weights").write_bytes(b"12345")
    assert not folders.is_done(tmp_path)
    folders.mark_done(tmp_path)
    assert folders.is_done(tmp_path)


def test_a_folder_that_does_not_exist_is_not_done(tmp_path: Path) -> None:
    assert not folders.is_done(tmp_path / "nowhere")


def test_a_lost_file_is_noticed(done: Path) -> None:
    (done / "model" / "weights").unlink()
    assert folders.damage(done) == "has lost model/weights"


def test_a_file_cut_short_is_noticed(done: Path) -> None:
    (done / "model" / "weights").write_bytes(b"123")
    assert folders.damage(done) == "has model/weights with 3 bytes instead of 5"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"files": 3}', '{"files": null}'])
def test_a_marker_that_cannot_be_read_marks_nothing(done: Path, content: str) -> None:
    (done / folders.MARKER).write_text(content)
    assert not folders.is_done(done)


def test_a_file_beside_the_listed_ones_does_no_harm(done: Path) -> None:
    (done / "note.txt").write_text("from a person")
    assert folders.is_done(done)


def test_a_reader_is_told_which_step_to_run_first(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Run its step first"):
        folders.require_done(tmp_path)


def test_clearing_keeps_just_what_a_step_goes_on_from(done: Path) -> None:
    (done / "checkpoints").mkdir()
    folders.clear(done, keep=["checkpoints"])
    assert [path.name for path in done.iterdir()] == ["checkpoints"]


def test_a_reader_sees_the_old_content_until_the_new_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    folders.write_atomically(path, "old")
    partial = tmp_path / ".file.partial"
    partial.write_text("ne")  # what a kill in the middle of a write leaves
    assert path.read_text() == "old"
    folders.write_atomically(path, "new")
    assert path.read_text() == "new"
    assert not partial.exists()
