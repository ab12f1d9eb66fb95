"""Preparation of a corpus: nothing is lost at the seams, nothing held out is trained on, and a bad file is named."""

import json
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from benchmarks.made_up_articles import articles
from tests.workloads.programs.pretraining.conftest import SAMPLE, run_prepare
from workloads.programs import blocks, hub
from workloads.programs.errors import EXIT_USER_ERROR
from workloads.programs.packing import EMPTY
from workloads.programs.pretraining import prepare

TEXTS = [article["text"] for article in articles(60, seed=3)]


def write_jsonl(path: Path, texts: list[str] = TEXTS) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return path


def write_parquet(path: Path, texts: list[str] = TEXTS) -> Path:
    parquet.write_table(pyarrow.table({"text": texts}), path, row_group_size=7)
    return path


def test_blocks_are_the_articles_in_a_row_with_an_end_of_text_after_each(tmp_path: Path, small_tokenizer: Path) -> None:
    """Held-out articles apart, and up to what fills no last block: batches leave nothing out."""
    assert run_prepare(tmp_path / "out", write_jsonl(tmp_path / "a.jsonl"), small_tokenizer) == 0
    tokenizer = hub.load_tokenizer(str(small_tokenizer))
    size = (tmp_path / "a.jsonl").stat().st_size
    every = prepare.stride(size, 8 * 64)
    trained = [text for index, text in enumerate(TEXTS) if index % every]
    whole = [token for text in trained for token in [*tokenizer(text)["input_ids"], tokenizer.eos_token_id]]
    flat = blocks.read(tmp_path / "out" / "train.npy").flatten()
    assert len(whole) - 64 < len(flat) <= len(whole)
    assert flat.tolist() == whole[: len(flat)]


def test_held_out_blocks_are_of_articles_that_are_not_trained_on(prepared_corpus: Path, small_tokenizer: Path) -> None:
    tokenizer = hub.load_tokenizer(str(small_tokenizer))
    trained = tokenizer.decode(blocks.read(prepared_corpus / "train.npy").flatten())
    held_out = tokenizer.decode(blocks.read(prepared_corpus / "eval.npy").flatten())
    whole = [part.strip() for part in held_out.split(tokenizer.eos_token)[1:-1]]
    assert len(whole) >= 2
    assert not [part for part in whole if part in trained]


@pytest.mark.parametrize("write", [write_parquet, write_jsonl], ids=["parquet", "jsonl"])
def test_many_processes_write_the_same_bytes_as_one(tmp_path: Path, small_tokenizer: Path, write, monkeypatch) -> None:
    monkeypatch.setattr(prepare, "CHARACTERS_AT_A_TIME", 1500)
    corpus = write(tmp_path / f"corpus{'.parquet' if write is write_parquet else '.jsonl'}")
    for name, processes in (("one", 1), ("two", 2)):
        assert run_prepare(tmp_path / name, corpus, small_tokenizer, processes=processes) == 0
    for file in ("train.npy", "eval.npy", "data.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_parquet_and_jsonl_of_the_same_articles_make_the_same_row(
    tmp_path: Path, small_tokenizer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepare, "stride", lambda size, held_out: 10)  # it follows the size, which compression changes
    for suffix, write in ((".parquet", write_parquet), (".jsonl", write_jsonl)):
        assert run_prepare(tmp_path / suffix[1:], write(tmp_path / f"a{suffix}"), small_tokenizer) == 0
    one, other = (blocks.read(tmp_path / name / "train.npy") for name in ("parquet", "jsonl"))
    assert np.array_equal(one, other)


def test_a_text_file_is_one_article_read_in_pieces(tmp_path: Path, small_tokenizer: Path, monkeypatch) -> None:
    from workloads.programs.pretraining import corpus

    monkeypatch.setattr(corpus, "PIECE_BYTES", 97)  # cuts characters of several bytes, and words
    text = "née à Orléans — où l’on chantait près du pont\n" * 40
    (tmp_path / "a.txt").write_text(text)
    pieces = list(corpus.read(tmp_path / "a.txt", "text"))
    assert "".join(piece.text for piece in pieces) == text
    assert [piece.ends for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    assert len(pieces) > 10
    assert all(piece.text.startswith((" ", "\n")) for piece in pieces[1:])


def test_no_more_blocks_are_written_than_asked_for(tmp_path: Path, small_tokenizer: Path) -> None:
    assert run_prepare(tmp_path / "out", SAMPLE, small_tokenizer, train_blocks=5, eval_blocks=2) == 0
    assert blocks.read(tmp_path / "out" / "train.npy").shape == (5, 64)
    assert blocks.read(tmp_path / "out" / "eval.npy").shape == (2, 64)
    assert (blocks.read(tmp_path / "out" / "train.npy") != EMPTY).all()


def cut_short(path: Path) -> None:
    content = write_parquet(path.with_name("whole.parquet_")).read_bytes()
    path.write_bytes(content[: len(content) // 2])


BAD = {
    "empty.jsonl": (lambda path: path.write_bytes(b""), "is empty. It may be half downloaded"),
    "empty.txt": (lambda path: path.write_bytes(b""), "is empty. It may be half downloaded"),
    "empty.parquet": (lambda path: path.write_bytes(b""), "is empty. It may be half downloaded"),
    "half.parquet": (cut_short, "is no whole Parquet file"),
    "half.jsonl": (
        lambda path: path.write_text('{"text": "whole"}\n{"text": "ha'),
        "line 2 is not JSON. It is the last",
    ),
    "latin.jsonl": (
        lambda path: path.write_bytes('{"text": "née"}\n'.encode("latin-1")),
        "line 1: byte 11 is not UTF-8",
    ),
    "latin.txt": (lambda path: path.write_bytes("Une née".encode("latin-1") + b"e ici"), "the byte 0xe9 is not UTF-8"),
    "cut.txt": (lambda path: path.write_bytes("Un été".encode()[:-1]), "ends in the middle of a character"),
    "other.jsonl": (lambda path: path.write_text('{"body": "a"}\n'), "line 1 has no field 'text' but body"),
    "other.parquet": (
        lambda path: parquet.write_table(pyarrow.table({"body": ["a"]}), path),
        "has no field 'text' but body",
    ),
    "list.jsonl": (lambda path: path.write_text("[1]\n"), "line 1 is no JSON object"),
    "page.html": (lambda path: path.write_text("<p>"), "is none of .parquet, .jsonl, .txt"),
    "more.jsonl.incomplete": (lambda path: path.write_text("{"), "is half downloaded"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_among_good_ones_is_named(
    tmp_path: Path, small_tokenizer: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    make, words = BAD[name]
    write_jsonl(tmp_path / "corpus" / "a-good.jsonl")
    make(tmp_path / "corpus" / name)
    assert run_prepare(tmp_path / "out", tmp_path / "corpus", small_tokenizer) == EXIT_USER_ERROR
    said = capsys.readouterr().err
    assert name in said
    assert words in said


def test_a_corpus_that_is_nowhere_is_told_as_such(
    tmp_path: Path, small_tokenizer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_prepare(tmp_path / "out", tmp_path / "nothing", small_tokenizer) == EXIT_USER_ERROR
    assert f"There is no file or folder {tmp_path / 'nothing'}" in capsys.readouterr().err


def test_too_little_text_for_a_block_is_told_as_such(
    tmp_path: Path, small_tokenizer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = write_jsonl(tmp_path / "a.jsonl", TEXTS[:2])
    assert run_prepare(tmp_path / "out", corpus, small_tokenizer, block_size=4096) == EXIT_USER_ERROR
    assert "too little text for one train block of 4,096 tokens" in capsys.readouterr().err
