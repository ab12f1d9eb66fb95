"""From rows to what training reads: the split, tokens, and blocks. What a row says is a recipe's own matter."""

import itertools
import json
import os
from collections.abc import Callable, Hashable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import blocks
from .errors import UserError

if TYPE_CHECKING:
    from datasets import Dataset

ROWS_AT_A_TIME = 1000

Counts = dict[str, int | str]


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


Batch = dict[str, list[str]]


def tokenize(
    part: "Dataset", token_ids: Callable[[Batch, Any], list[list[int]]], tokenizer: Any, processes: int, cache: Path
) -> "Dataset":
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


def _tokenize(batch: Batch, token_ids: Callable[[Batch, Any], list[list[int]]], tokenizer: Any) -> dict[str, list[Any]]:
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
