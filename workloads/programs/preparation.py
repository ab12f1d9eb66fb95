"""From rows to what training reads: the split, tokens, and blocks. What a row says is a recipe's own matter."""

import itertools
import json
import os
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import blocks, folders
from .entry import WORK, argument
from .errors import UserError
from .journal import Journal
from .rows import Form

if TYPE_CHECKING:
    from datasets import Dataset

ROWS_AT_A_TIME = 1000

Counts = dict[str, int | str]
Batch = dict[str, list[str]]
TokenIds = Callable[[Batch, Any], list[list[int]]]
"""Tokens of each row of a batch, given by column, by a tokenizer."""


@dataclass
class Arguments:
    out: str = argument("folder of this step")
    dataset: str = argument("data set on the Hub, or a JSONL file with the same fields")
    dataset_revision: str = argument("branch, tag or commit of the data set on the Hub")
    tokenizer: str = argument("tokenizer: its name on the Hub, or a folder")
    tokenizer_revision: str = argument("branch, tag or commit of the tokenizer on the Hub")
    train_rows: int = argument("rows to train on, at the most")
    eval_rows: int = argument("rows to hold out, at the most a tenth of all")
    shuffle_seed: int = argument("seed of the shuffle before rows are split")
    block_size: int = argument("tokens in a block")
    processes: int = argument("processes that tokenize; 0 for one a CPU")


@dataclass(frozen=True, slots=True)
class Rows:
    """A recipe's rows: their fields, what makes two of them the same, and what a model reads of each."""

    form: Form
    key: Callable[[Any], Hashable]
    token_ids: TokenIds


def prepare(arguments: Arguments, out: Path, rows: Rows, tokenizer: Any) -> None:
    """Leaves the tokenizer, `train.npy` and `eval.npy`, the held-out rows in `eval.jsonl`, counts in `data.json`."""
    journal, work = Journal(out), out / WORK
    tokenizer.save_pretrained(out / folders.TOKENIZER)
    data = rows.form.load(arguments.dataset, arguments.dataset_revision, work)
    train, held_out = split(data, arguments.train_rows, arguments.eval_rows, arguments.shuffle_seed, rows.key)
    journal.say(f"{len(data):,} rows: {len(train):,} to train on, {len(held_out):,} held out")
    counts = {}
    for name, part in (("train", train), ("eval", held_out)):
        tokenized = tokenize(part, rows.token_ids, tokenizer, arguments.processes, work / f"{name}.arrow")
        counts[name] = write_blocks(tokenized, out / f"{name}.npy", arguments.block_size)
        journal.progress(len(part), len(part), f"{name} rows tokenized")
    write_rows(held_out, out / "eval.jsonl")
    summary = {"dataset": arguments.dataset, "revision": arguments.dataset_revision, "rows": len(data), **counts}
    (out / "data.json").write_text(json.dumps(summary, indent=1))
    journal.result(in_words(counts["train"], arguments.block_size))


def split(
    data: "Dataset", train_rows: int, eval_rows: int, seed: int, key: Callable[[Any], Hashable]
) -> tuple["Dataset", "Dataset"]:
    """The shuffled rows' first part to train on, and the next to hold out, without those that are also in the first.

    Rows are the same where `key` is. A small set gives up to a tenth to hold out and the rest to training.
    """
    if len(data) < 2:
        raise UserError(f"The data has {len(data)} row: at least one to train on and one to hold out are needed.")
    held = min(eval_rows, max(1, len(data) // 10))
    trained = min(train_rows, len(data) - held)
    shuffled = data.shuffle(seed=seed)
    train = shuffled.select(range(trained))
    seen = {key(row) for row in train}
    unseen = (index for index in range(trained, len(data)) if key(shuffled[index]) not in seen)
    fresh = list(itertools.islice(unseen, held))
    if not fresh:
        raise UserError("Every row that could be held out is also among the rows to train on: the data repeats itself.")
    return train, shuffled.select(fresh)


def tokenize(part: "Dataset", token_ids: TokenIds, tokenizer: Any, processes: int, cache: Path) -> "Dataset":
    """`part` as columns `tokens` and `length`, by a function of a batch's columns and the tokenizer; 0 processes are
    one a CPU, and the result does not depend on how many there are."""
    from datasets import Features, Sequence, Value

    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # the processes are the parallelism; threads forked with them hang
    wanted = processes or os.cpu_count() or 1
    return part.map(
        _tokenize,
        batched=True,
        batch_size=ROWS_AT_A_TIME,
        fn_kwargs={"token_ids": token_ids, "tokenizer": tokenizer},
        remove_columns=part.column_names,
        features=Features({"tokens": Sequence(Value("int32")), "length": Value("int32")}),
        num_proc=max(1, min(wanted, len(part) // ROWS_AT_A_TIME)),
        cache_file_name=str(cache),
    )


def _tokenize(batch: Batch, token_ids: TokenIds, tokenizer: Any) -> dict[str, list[Any]]:
    tokens = token_ids(batch, tokenizer)
    return {"tokens": tokens, "length": [len(row) for row in tokens]}


def write_blocks(tokenized: "Dataset", path: Path, block_size: int) -> Counts:
    """Packs every row whole into blocks at `path`; UserError where not one row fits into a block."""
    lengths = np.asarray(tokenized.with_format("numpy")["length"], dtype=np.int64)
    counts = blocks.write(path, lengths, _sequences(tokenized), block_size)
    if counts["blocks"] == 0:
        raise UserError(
            f"all {counts['rows']:,} {path.stem} rows are longer than a block of {block_size:,} tokens. "
            "Raise parameters.block_size, or shorten the rows."
        )
    return counts


def _sequences(tokenized: "Dataset") -> Iterator[blocks.Tokens]:
    table: Any
    for table in tokenized.with_format("arrow").iter(ROWS_AT_A_TIME):
        column = table["tokens"].combine_chunks()
        values, ends = column.values.to_numpy(), column.offsets.to_numpy()
        for start, end in itertools.pairwise(ends):
            yield values[start:end]


def in_words(train: Counts, block_size: int) -> str:
    blocks_, tokens = int(train["blocks"]), int(train["tokens"])
    return (
        f"{blocks_:,} training blocks of {block_size:,} tokens, {tokens / (blocks_ * block_size):.1%} full, "
        f"{train['too_long']:,} rows left out as too long"
    )


def write_rows(part: "Dataset", path: Path) -> None:
    with path.open("w") as file:
        file.writelines(json.dumps(row) + "\n" for row in part)


def use_no_torch() -> None:
    """Keeps transformers from importing torch, which takes three seconds and 700 MiB that tokenizing needs not."""
    os.environ["USE_TORCH"] = "0"
    os.environ["TRANSFORMERS_NO_ADVISORY_WARNINGS"] = "1"  # it would complain that it found no torch
