"""Tokens a second of a pretraining's preparation, by its processes and against the guide's own way, and its memory."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from workloads.programs.folders import write_atomically
from workloads.recipes.sources import ROOT

from .made_up_articles import articles
from .measure import Cost, cost

ARTICLES = 4_000
"""Some 2 MB of text; the larger corpus has four times that. `python -m benchmarks.tokenizing MEGABYTES` takes any."""
BYTES_AN_ARTICLE = 450
BLOCK = 4096

Row = tuple[str, str, str, str]

GUIDE = """
import sys
from itertools import chain
from datasets import load_dataset
from transformers import AutoTokenizer

corpus, folder, block, out = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
tokenizer = AutoTokenizer.from_pretrained(folder)
rows = load_dataset("json", data_files=corpus, split="train", cache_dir=out + "/cache")
tokens = rows.map(lambda part: tokenizer(part["text"]), batched=True, remove_columns=rows.column_names)


def join(part):
    whole = {name: list(chain(*part[name])) for name in part}
    length = len(whole["input_ids"]) // block * block
    cut = {name: [row[at : at + block] for at in range(0, length, block)] for name, row in whole.items()}
    cut["labels"] = cut["input_ids"].copy()
    return cut


tokens.map(join, batched=True).save_to_disk(out + "/blocks")
"""
"""How guide 003 goes about it: one process, joined within a batch, whose remainder it drops."""


def rows(folder: Path) -> Iterator[Row]:
    """Rows for the table of speed and memory."""
    small, large = (_corpus(folder, count) for count in (ARTICLES, 4 * ARTICLES))
    tokenizer = _tokenizer(folder, small)
    guide = cost(
        ["-c", GUIDE, str(small), str(tokenizer), str(BLOCK), str(folder / "guide")], TOKENIZERS_PARALLELISM="0"
    )
    counts = dict.fromkeys((1, 2, os.cpu_count() or 1))
    taken = {count: _prepare(folder, small, tokenizer, count) for count in counts}
    tokens = _tokens(folder, small)
    yield _row("tokenize, the guide's way", guide, tokens)
    for count, one in taken.items():
        yield _row(f"tokenize, {count} processes", one, tokens)
    more = _prepare(folder, large, tokenizer, 1)
    flat = f"{more.memory / taken[1].memory:.2f} times the peak memory"
    yield "four times the text, one process", f"{more.seconds / taken[1].seconds:.2f} times", flat, "flat memory"


def _row(what: str, taken: Cost, tokens: int) -> Row:
    return what, f"{taken.seconds:.1f} s, {tokens / taken.seconds:,.0f} tokens/s", f"{taken.memory:,.0f} MiB", "2 GiB"


def _corpus(folder: Path, count: int) -> Path:
    path = folder / f"articles-{count}.jsonl"
    if not path.exists():
        with path.open("w") as file:
            file.writelines(json.dumps(article) + "\n" for article in articles(count))
    return path


def _where(corpus: Path) -> list[str]:
    return ["--corpus", str(corpus), "--corpus_revision", "main", "--corpus_files", "*", "--corpus_field", "text"]


def _tokenizer(folder: Path, corpus: Path) -> Path:
    out = folder / "tokenizer"
    argv = ["--out", str(out), *_where(corpus), "--vocabulary", "4096"]
    cost(["-m", "programs.pretraining.tokenizer", *argv], PYTHONPATH=str(ROOT))
    return out / "model"


def _out(folder: Path, corpus: Path, processes: int) -> Path:
    return folder / f"{corpus.stem}-{processes}"


def _prepare(folder: Path, corpus: Path, tokenizer: Path, processes: int) -> Cost:
    names = {"tokenizer": tokenizer, "tokenizer_revision": "main"}
    numbers = {"block_size": BLOCK, "eval_blocks": 16, "train_blocks": 0, "processes": processes}
    given = [word for name, value in {**names, **numbers}.items() for word in (f"--{name}", str(value))]
    argv = ["--out", str(_out(folder, corpus, processes)), *_where(corpus), *given]
    return cost(["-m", "programs.pretraining.prepare", *argv], PYTHONPATH=str(ROOT))


def _tokens(folder: Path, corpus: Path) -> int:
    found = json.loads((_out(folder, corpus, 1) / "data.json").read_text())
    return found["train"]["tokens"] + found["eval"]["tokens"]


def main() -> None:
    """`python -m benchmarks.tokenizing FOLDER MEGABYTES`: one corpus of that size, with as many processes as CPUs."""
    folder, megabytes = Path(sys.argv[1]), int(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    corpus = _corpus(folder, megabytes * 10**6 // BYTES_AN_ARTICLE)
    taken = _prepare(folder, corpus, _tokenizer(folder, _corpus(folder, ARTICLES)), os.cpu_count() or 1)
    write_atomically(folder / "cost.json", json.dumps({"seconds": taken.seconds, "MiB": taken.memory}))
    print(f"{corpus.stat().st_size / 1e6:,.0f} MB: {taken.seconds:.0f} s, {taken.memory:,.0f} MiB in one process")


if __name__ == "__main__":
    main()
