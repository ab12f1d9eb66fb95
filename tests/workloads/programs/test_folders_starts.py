"""When a folder was begun: each start is noted in the file that is locked, and outlives a clearing."""

from dataclasses import dataclass
from pathlib import Path

from workloads.programs import entry, folders
from workloads.programs.errors import UserError


def test_every_start_is_noted_also_of_what_was_killed(tmp_path: Path) -> None:
    for _ in range(3):
        with folders.locked(tmp_path):
            folders.note_start(tmp_path)
        folders.clear(tmp_path)
    assert len(folders.starts(tmp_path)) == 3
    assert folders.starts(tmp_path) == sorted(folders.starts(tmp_path))


@dataclass
class Arguments:
    out: str = entry.argument("folder of this step")


def test_a_step_that_fails_is_begun_again_and_one_that_is_done_is_not(tmp_path: Path) -> None:
    tries: list[int] = []

    def body(arguments: Arguments, out: Path) -> None:
        tries.append(len(folders.starts(out)))
        if len(tries) == 1:
            raise UserError("not this time")

    for _ in range(4):
        entry.main(Arguments, body, ["--out", str(tmp_path)])
    assert tries == [1, 2]
    assert len(folders.starts(tmp_path)) == 2
    assert folders.starts(tmp_path)[1] <= (folders.ended(tmp_path) or 0) + 0.1


def test_starts_are_no_part_of_what_a_step_left(tmp_path: Path) -> None:
    folders.note_start(tmp_path)
    assert folders.sizes(tmp_path) == {}


def test_a_folder_that_was_never_begun_has_no_start_and_no_end(tmp_path: Path) -> None:
    assert folders.starts(tmp_path) == []
    assert folders.ended(tmp_path) is None
