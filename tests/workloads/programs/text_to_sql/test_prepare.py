"""Preparation: held-out rows are really held out, and the blocks do not depend on how they were made."""

import json
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset

from benchmarks.made_up import different_rows
from tests.conftest import DATA, as_argv, write_rows
from workloads.programs import blocks, entry, folders, hub
from workloads.programs.errors import EXIT_USER_ERROR
from workloads.programs.packing import EMPTY
from workloads.programs.text_to_sql import prepare, prompt
from workloads.programs.text_to_sql.prepare import split


def run(out: Path, dataset: Path, tokenizer: Path, **changes: Any) -> int:
    arguments = {"out": out, "dataset": dataset, **DATA, "tokenizer": tokenizer, "tokenizer_revision": "main"}
    return entry.main(prepare.Arguments, prepare.prepare, as_argv({**arguments, "processes": 1, **changes}))


@pytest.fixture
def tokenizer(tiny_base: Path) -> Path:
    return tiny_base / "model"


def test_no_held_out_row_is_among_those_trained_on() -> None:
    repeated = [*different_rows(60), *different_rows(60)]  # every row twice
    train, held_out = split(Dataset.from_list(repeated), train_rows=80, eval_rows=20, seed=23)
    seen = {(row["question"], row["context"]) for row in train}  # type: ignore[index]
    assert held_out
    assert not [row for row in held_out if (row["question"], row["context"]) in seen]  # type: ignore[index]


def test_the_real_set_is_split_as_the_seed_guide_has_it() -> None:
    data = Dataset.from_dict({"question": [str(i) for i in range(1200)], "context": [""] * 1200, "answer": [""] * 1200})
    train, held_out = split(data, train_rows=1000, eval_rows=50, seed=23)
    shuffled = data.shuffle(seed=23)
    assert train["question"] == shuffled["question"][:1000]
    assert held_out["question"] == shuffled["question"][1000:1050]


def test_a_small_set_gives_a_tenth_to_hold_out_and_the_rest_to_training() -> None:
    train, held_out = split(Dataset.from_list(different_rows(50)), train_rows=50_000, eval_rows=500, seed=23)
    assert (len(train), len(held_out)) == (45, 5)


def test_blocks_hold_each_conversation_whole(prepared: Path, rows_file: Path, tokenizer: Path) -> None:
    loaded = hub.load_tokenizer(str(prepared / "tokenizer"))
    texts = [loaded.decode(block[block != EMPTY]) for block in blocks.read(prepared / "eval.npy")]
    for line in (prepared / "eval.jsonl").read_text().splitlines():
        row = json.loads(line)
        whole = loaded.decode(prompt.token_ids(loaded, [row])[0])
        assert any(whole in text for text in texts)


def test_the_question_of_the_test_is_the_beginning_of_the_conversation_trained_on(tokenizer: Path) -> None:
    loaded = hub.load_tokenizer(str(tokenizer))
    row = different_rows(1)[0]
    whole = loaded.decode(prompt.token_ids(loaded, [row])[0])  # type: ignore[list-item]
    asked = prompt.open_prompt(loaded, row)  # type: ignore[arg-type]
    assert whole.startswith(asked)
    assert whole[len(asked) :].startswith(row["answer"])


def test_many_processes_write_the_same_bytes_as_one(tmp_path: Path, tokenizer: Path) -> None:
    dataset = write_rows(tmp_path / "rows.jsonl", list(different_rows(2200)))
    for name, processes in (("one", 1), ("two", 2)):
        assert run(tmp_path / name, dataset, tokenizer, train_rows=50_000, processes=processes) == 0
    for file in ("train.npy", "eval.npy", "eval.jsonl", "data.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_rows_that_are_all_too_long_are_told_as_such(
    tmp_path: Path, rows_file: Path, tokenizer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path / "out", rows_file, tokenizer, block_size=16) == EXIT_USER_ERROR
    error = capsys.readouterr().err
    assert "all 180 train rows are longer than a block of 16 tokens" in error
    assert "block_size" in error
    assert not folders.is_done(tmp_path / "out")


def test_some_rows_that_are_too_long_are_counted(tmp_path: Path, tokenizer: Path) -> None:
    long_row = {"question": "word " * 400, "context": "CREATE TABLE t (a INTEGER)", "answer": "SELECT 1"}
    dataset = write_rows(
        tmp_path / "rows.jsonl", [*different_rows(40), *[long_row | {"answer": f"SELECT {i}"} for i in range(3)]]
    )
    run(tmp_path / "out", dataset, tokenizer)
    counts = json.loads((tmp_path / "out" / "data.json").read_text())
    assert counts["train"]["too_long"] + counts["eval"]["too_long"] == 3


def test_a_single_row_cannot_be_split(tmp_path: Path, tokenizer: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = write_rows(tmp_path / "rows.jsonl", different_rows(1))
    assert run(tmp_path / "out", dataset, tokenizer) == EXIT_USER_ERROR
    assert "at least one to train on and one to hold out" in capsys.readouterr().err


def test_a_tokenizer_without_a_chat_template_is_refused(
    tmp_path: Path, rows_file: Path, tokenizer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = hub.load_tokenizer(str(tokenizer))
    plain.chat_template = None
    plain.save_pretrained(tmp_path / "plain")
    assert run(tmp_path / "out", rows_file, tmp_path / "plain") == EXIT_USER_ERROR
    assert "has no chat template" in capsys.readouterr().err


def test_nothing_needed_only_meanwhile_is_left(prepared: Path) -> None:
    assert not (prepared / entry.WORK).exists()
