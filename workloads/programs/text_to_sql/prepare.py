"""Step `prepare`: rows → conversations → tokens → blocks for training, and the rows that are held out.

Leaves in its folder: `tokenizer/`, `train.npy` and `eval.npy` (blocks, see `packing`), `eval.jsonl` (the held-out rows
themselves, for the test) and `data.json` (counts and fingerprints).
"""

import itertools
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import blocks, entry, hub
from ..entry import WORK, argument
from ..errors import UserError
from ..journal import Journal
from . import prompt, rows

if TYPE_CHECKING:
    from datasets import Dataset

ROWS_AT_A_TIME = 1000


@dataclass
class Arguments:
    out: str = argument("folder of this step")
    dataset: str = argument("data set on the Hub, or a JSONL file with the fields question, context, answer")
    dataset_revision: str = argument("branch, tag or commit of the data set on the Hub")
    tokenizer: str = argument("tokenizer with a chat template: its name on the Hub, or a folder")
    tokenizer_revision: str = argument("branch, tag or commit of the tokenizer on the Hub")
    train_rows: int = argument("rows to train on, at the most")
    eval_rows: int = argument("rows to hold out, at the most a tenth of all")
    shuffle_seed: int = argument("seed of the shuffle before rows are split")
    block_size: int = argument("tokens in a block")
    processes: int = argument("processes that tokenize; 0 for one a CPU")


def prepare(arguments: Arguments, out: Path) -> None:
    journal = Journal(out)
    work = out / WORK
    tokenizer = _tokenizer(arguments, out)
    data = rows.load(arguments.dataset, arguments.dataset_revision, work)
    train, held_out = split(data, arguments.train_rows, arguments.eval_rows, arguments.shuffle_seed)
    journal.say(f"{len(data):,} rows: {len(train):,} to train on, {len(held_out):,} held out")
    counts = {}
    for name, part in (("train", train), ("eval", held_out)):
        tokenized = tokenize(part, tokenizer, arguments.processes, work / f"{name}.arrow")
        counts[name] = write_blocks(tokenized, out / f"{name}.npy", arguments.block_size)
        _check(counts[name], arguments, name)
        journal.progress(len(part), len(part), f"{name} rows tokenized")
    _write_rows(held_out, out / "eval.jsonl")
    summary = {"dataset": arguments.dataset, "revision": arguments.dataset_revision, "rows": len(data), **counts}
    (out / "data.json").write_text(json.dumps(summary, indent=1))
    journal.result(_in_words(counts["train"], arguments.block_size))


def split(data: "Dataset", train_rows: int, eval_rows: int, seed: int) -> tuple["Dataset", "Dataset"]:
    """The shuffled rows' first part to train on, and the next to hold out, without those that are also in the first.

    With all rows of the real data set and the defaults this is the seed guide's split: 50,000 and the 500 after them.
    A smaller set gives up to a tenth to hold out and the rest to training.
    """
    if len(data) < 2:
        raise UserError(f"The data has {len(data)} row: at least one to train on and one to hold out are needed.")
    held = min(eval_rows, max(1, len(data) // 10))
    trained = min(train_rows, len(data) - held)
    shuffled = data.shuffle(seed=seed)
    train = shuffled.select(range(trained))
    seen = {_key(row) for row in train}
    unseen = (index for index in range(trained, len(data)) if _key(shuffled[index]) not in seen)
    fresh = list(itertools.islice(unseen, held))
    if not fresh:
        raise UserError("Every row that could be held out is also among the rows to train on: the data repeats itself.")
    return train, shuffled.select(fresh)


def _key(row: Any) -> int:
    return hash((row["question"], row["context"]))


def tokenize(part: "Dataset", tokenizer: Any, processes: int, cache: Path) -> "Dataset":
    """`part` as columns `tokens` and `length`; the result does not depend on `processes`."""
    from datasets import Features, Sequence, Value

    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # the processes are the parallelism; threads forked with them hang
    wanted = processes or os.cpu_count() or 1
    return part.map(
        _tokenize,
        batched=True,
        batch_size=ROWS_AT_A_TIME,
        fn_kwargs={"tokenizer": tokenizer},
        remove_columns=part.column_names,
        features=Features({"tokens": Sequence(Value("int32")), "length": Value("int32")}),
        num_proc=max(1, min(wanted, len(part) // ROWS_AT_A_TIME)),
        cache_file_name=str(cache),
    )


def _tokenize(batch: dict[str, list[str]], tokenizer: Any) -> dict[str, list[Any]]:
    columns = zip(*(batch[field] for field in rows.FIELDS), strict=True)
    tokens = prompt.token_ids(tokenizer, [rows.Row(question=q, context=c, answer=a) for q, c, a in columns])
    return {"tokens": tokens, "length": [len(row) for row in tokens]}


def write_blocks(tokenized: "Dataset", path: Path, block_size: int) -> dict[str, int | str]:
    lengths = np.asarray(tokenized.with_format("numpy")["length"], dtype=np.int64)
    return blocks.write(path, lengths, _sequences(tokenized), block_size)


def _sequences(tokenized: "Dataset") -> Iterator[blocks.Tokens]:
    table: Any
    for table in tokenized.with_format("arrow").iter(ROWS_AT_A_TIME):
        column = table["tokens"].combine_chunks()
        values, ends = column.values.to_numpy(), column.offsets.to_numpy()
        for start, end in itertools.pairwise(ends):
            yield values[start:end]


def _check(counts: dict[str, int | str], arguments: Arguments, name: str) -> None:
    if counts["blocks"] == 0:
        raise UserError(
            f"{arguments.dataset}: all {counts['rows']:,} {name} rows are longer than a block of "
            f"{arguments.block_size:,} tokens. Raise parameters.block_size, or shorten the rows."
        )


def _in_words(train: dict[str, int | str], block_size: int) -> str:
    blocks_, tokens = int(train["blocks"]), int(train["tokens"])
    return (
        f"{blocks_:,} training blocks of {block_size:,} tokens, {tokens / (blocks_ * block_size):.1%} full, "
        f"{train['too_long']:,} rows left out as too long"
    )


def _write_rows(part: "Dataset", path: Path) -> None:
    with path.open("w") as file:
        file.writelines(json.dumps(row) + "\n" for row in part)


def _tokenizer(arguments: Arguments, out: Path) -> Any:
    tokenizer = hub.load_tokenizer(arguments.tokenizer, arguments.tokenizer_revision)
    if tokenizer.chat_template is None:
        raise UserError(
            f"The tokenizer {arguments.tokenizer} has no chat template. Name that of an instruction-tuned model: "
            "parameters.tokenizer."
        )
    tokenizer.save_pretrained(out / "tokenizer")
    return tokenizer


if __name__ == "__main__":
    os.environ["USE_TORCH"] = "0"  # transformers would import it: three seconds and 700 MiB that tokenizing needs not
    os.environ["TRANSFORMERS_NO_ADVISORY_WARNINGS"] = "1"  # it would complain that it found no torch
    sys.exit(entry.main(Arguments, prepare))
