"""When a folder was begun: each start is noted in the file that is locked, and outlives a clearing."""

from pathlib import Path

from workloads.programs import folders


def test_every_start_is_noted_also_of_what_was_killed(tmp_path: Path) -> None:
    for _ in range(3):
        with folders.locked(tmp_path):
            folders.note_start(tmp_path)
        folders.clear(tmp_path)
    assert len(folders.starts(tmp_path)) == 3
    assert folders.starts(tmp_path) == sorted(folders.starts(tmp_path))


def test_a_step_that_was_done_already_is_not_begun_again(prepared: Path) -> None:
    """`prepared` is a step that the frame of all programs ran, once."""
    assert len(folders.starts(prepared)) == 1
    with folders.locked(prepared):
        assert folders.is_done(prepared)
    assert len(folders.starts(prepared)) == 1
    assert folders.starts(prepared)[0] <= (folders.ended(prepared) or 0)


def test_starts_are_no_part_of_what_a_step_left(tmp_path: Path) -> None:
    folders.note_start(tmp_path)
    assert folders.sizes(tmp_path) == {}


def test_a_folder_that_was_never_begun_has_no_start_and_no_end(tmp_path: Path) -> None:
    assert folders.starts(tmp_path) == []
    assert folders.ended(tmp_path) is None
