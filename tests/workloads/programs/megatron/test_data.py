"""The data steps: what is held out stays out, and a broken corpus is told by file and line."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import hub as hubs
from tests.conftest import PROJECT, as_argv
from workloads.programs import blocks, entry, folders, journal
from workloads.programs.errors import EXIT_USER_ERROR, UserError
from workloads.programs.megatron import corpus, download, preprocess, tokenizer
from workloads.programs.packing import EMPTY
from workloads.recipes.megatron.parameters import SAMPLE


def write(path: Path, texts: list[str]) -> Path:
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return path


def fetched(out: Path, dataset: Path | str, share: float = 0.2) -> int:
    given = {"out": out, "dataset": dataset, "dataset_revision": "main", "held_out_share": share}
    return entry.main(download.Arguments, download.download, as_argv(given), resumable=(entry.WORK,))


def lines(path: Path) -> list[str]:
    return [json.loads(line)["text"] for line in path.read_text().splitlines()]


TEXTS = [f"Document {number} says this and that." for number in range(300)]


def test_every_document_is_on_one_side_and_a_repeated_one_on_the_same(tmp_path: Path) -> None:
    source = write(tmp_path / "text.jsonl", [*TEXTS, *TEXTS[::-1]])
    assert fetched(tmp_path / "out", source) == 0
    train, held_out = (lines(tmp_path / "out" / name) for name in (corpus.TRAIN, corpus.HELD_OUT))
    assert sorted([*train, *held_out]) == sorted([*TEXTS, *TEXTS])
    assert not {*train} & {*held_out}
    assert 0.1 < len(held_out) / 600 < 0.3


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b'{"text": "whole"}\n{"text": "cut in the mid', "line 2 is not JSON. It is the last, and ends in the midst"),
        (b'{"text": "whole"}\n{"text": \n{"text": "whole"}\n', "line 2 is not JSON. Delete it"),
        (b'{"text": "gr\xfc\xdfe"}\n', "line 1: byte 12 is not UTF-8"),
        (b'{"content": "here"}\n', 'line 1 has no text: each line is to be an object with the field "text"'),
        (b'["text"]\n', "line 1 has no text"),
        (b'{"text": "alone"}\n', "at least one of each is needed"),
    ],
)
def test_a_broken_corpus_is_told_by_file_and_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, told: str
) -> None:
    source = tmp_path / "text.jsonl"
    source.write_bytes(content)
    assert fetched(tmp_path / "out", source) == EXIT_USER_ERROR
    error = capsys.readouterr().err
    assert str(source) in error
    assert told in error
    assert not folders.is_done(tmp_path / "out")


def test_a_file_that_is_not_all_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"123")
    with pytest.raises(UserError, match=r"a\.jsonl has 3 of 5 bytes: it is half downloaded"):
        download.whole(tmp_path, {"a.jsonl": 5}, "some/data")
    with pytest.raises(UserError, match=r"b\.jsonl has 0 of 5 bytes"):
        download.whole(tmp_path, {"a.jsonl": 3, "b.jsonl": 5}, "some/data")
    assert download.whole(tmp_path, {"a.jsonl": 3}, "some/data") == [tmp_path / "a.jsonl"]


def test_a_document_as_long_as_memory_allows_passes_through_whole(tmp_path: Path) -> None:
    long = "word " * 400_000
    source = write(tmp_path / "text.jsonl", [*TEXTS, long])
    assert fetched(tmp_path / "out", source) == 0
    assert long in [*lines(tmp_path / "out" / corpus.TRAIN), *lines(tmp_path / "out" / corpus.HELD_OUT)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders of done steps `tokenizer` and `download`, over the project's own text."""
    folder = tmp_path_factory.mktemp("made")
    given = {"out": folder / "tokenizer", "tokenizer": "tiny", "tokenizer_revision": "main", "corpus": SAMPLE}
    assert entry.main(tokenizer.Arguments, tokenizer.fetch, as_argv(given)) == 0
    assert fetched(folder / "download", SAMPLE) == 0
    return folder


def tokenized(made: Path, out: Path, **changes: Any) -> int:
    given = {
        "out": out,
        "corpus": made / "download",
        "tokenizer": made / "tokenizer",
        "sequence_length": 64,
        "indexed": False,
        "processes": 0,
        **changes,
    }
    return entry.main(preprocess.Arguments, preprocess.tokenize, as_argv(given))


def test_the_blocks_hold_the_held_out_text_and_nothing_else(made: Path, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    assert tokenized(made, tmp_path / "out") == 0
    loaded = AutoTokenizer.from_pretrained(tmp_path / "out" / "tokenizer")
    found = blocks.read(tmp_path / "out" / "eval.npy")
    tokens = found.reshape(-1)
    assert found.shape[1] == 64
    assert (tokens[: -int((tokens == EMPTY).sum()) or None] != EMPTY).all()  # nothing is left open but at the very end
    text = loaded.decode(tokens[tokens != EMPTY])
    assert text.split(loaded.eos_token) == [*lines(made / "download" / corpus.HELD_OUT), ""]


def test_text_too_short_for_a_block_still_makes_one(made: Path, tmp_path: Path) -> None:
    assert tokenized(made, tmp_path / "out", sequence_length=100_000) == 0
    assert blocks.read(tmp_path / "out" / "eval.npy").shape == (1, 100_000)


def from_hub(hub: hubs.Hub, program: str, token: str, **given: Any) -> "subprocess.CompletedProcess[str]":
    cache = Path(given["out"]).parent / "huggingface"
    named = {"HF_ENDPOINT": hub.address, "HF_TOKEN": token, "HF_HOME": str(cache), "HF_HUB_DISABLE_XET": "1"}
    return subprocess.run(
        [sys.executable, "-m", f"programs.megatron.{program}", *as_argv(given)],
        env={**os.environ, **named, "PYTHONPATH": str(PROJECT / "workloads"), "HF_HUB_OFFLINE": "0"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_gated_tokenizers_files_come_as_published_and_to_those_with_a_token(made: Path, tmp_path: Path) -> None:
    published = hubs.from_folder(made / "tokenizer" / "tokenizer", gated=True)
    given = {"out": tmp_path / "out", "tokenizer": "some/model", "tokenizer_revision": "main", "corpus": ""}
    with hubs.serving() as hub:
        hub.models["some/model"] = published
        refused = from_hub(hub, "tokenizer", "hf_wrong", **given)
        fetched_ = from_hub(hub, "tokenizer", hubs.TOKEN, **given)
    assert refused.returncode == EXIT_USER_ERROR
    assert "some/model is gated. Accept its licence" in refused.stderr
    assert fetched_.returncode == 0, fetched_.stderr
    assert (tmp_path / "out/tokenizer/tokenizer.json").read_bytes() == published.files["tokenizer.json"]


def test_a_corpus_comes_from_the_hub_in_all_its_files(tmp_path: Path) -> None:
    files = {
        name: write(tmp_path / name, TEXTS[start::2]).read_bytes() for start, name in enumerate(("a.jsonl", "b.jsonl"))
    }
    with hubs.serving() as hub:
        hub.datasets["some/data"] = hubs.Repository({**files, "README.md": b"no text of it"})
        given = {"out": tmp_path / "out", "dataset": "some/data", "dataset_revision": "main", "held_out_share": 0.2}
        done = from_hub(hub, "download", hubs.TOKEN, **given)
    assert done.returncode == 0, done.stderr
    out = tmp_path / "out"
    assert sorted([*lines(out / corpus.TRAIN), *lines(out / corpus.HELD_OUT)]) == sorted(TEXTS)
    assert {path.name for path in out.iterdir() if path.is_file() and path.name[0] not in "._"} == {
        *("train.jsonl", "held-out.jsonl", "data.json", journal.FILE)
    }
