"""A data file's mistakes are told apart, each with file, line and remedy."""

import json
from pathlib import Path

import pytest

from tests.conftest import write_rows
from workloads.programs.errors import UserError
from workloads.programs.text_to_sql import rows

GOOD = {"question": "How many?", "context": "CREATE TABLE t (a INTEGER)", "answer": "SELECT COUNT(*) FROM t"}


def told(path: Path) -> str:
    with pytest.raises(UserError) as error:
        list(rows.read_file(str(path)))
    return str(error.value)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"question": "How', "line 2: not JSON"),
        (b"[1, 2]", "line 2: a list instead of a JSON object"),
        (json.dumps({**GOOD, "answer": None}).encode(), 'line 2: the field "answer" holds null'),
        (json.dumps({**GOOD, "context": "  "}).encode(), 'line 2: the field "context" holds "  "'),
        (json.dumps({"question": "x", "answer": "y"}).encode(), 'line 2: the field "context" is missing'),
        (b'{"question": "caf\xe9"}', "line 2: not UTF-8 (byte 18)"),
    ],
)
def test_a_broken_line_is_told_by_file_line_and_what_is_wrong(tmp_path: Path, line: bytes, said: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(json.dumps(GOOD).encode() + b"\n" + line + b"\n")
    assert told(path).startswith(f"{path}, {said}")


def test_an_empty_file_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text("")
    assert "is empty" in told(tmp_path / "rows.jsonl")


def test_a_file_of_blank_lines_is_told_as_empty(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text("\n\n  \n")
    assert "is empty" in told(tmp_path / "rows.jsonl")


def test_a_file_that_is_not_there_is_told_as_such(tmp_path: Path) -> None:
    assert "there is no such file" in told(tmp_path / "rows.jsonl")


def test_blank_lines_between_rows_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(f"{json.dumps(GOOD)}\n\n{json.dumps(GOOD)}\n")
    assert list(rows.read_file(str(path))) == [GOOD, GOOD]


def test_fields_beyond_the_three_are_left_out(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.jsonl", [{**GOOD, "difficulty": "easy"}])
    assert list(rows.read_file(str(path))) == [GOOD]


def test_a_file_changed_at_the_same_path_is_read_anew(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.jsonl", [GOOD])
    assert len(rows.load(str(path), "main", tmp_path / "one")) == 1
    write_rows(path, [GOOD, GOOD])
    assert len(rows.load(str(path), "main", tmp_path / "two")) == 2


def test_the_mistake_survives_the_library_that_reads_the_file(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text("no json\n")
    with pytest.raises(UserError, match="line 1: not JSON"):
        rows.load(str(tmp_path / "rows.jsonl"), "main", tmp_path / "cache")


def test_a_data_set_that_cannot_be_had_is_a_mistake_not_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match="nobody/nothing"):
        rows.load("nobody/nothing", "main", tmp_path)
