"""Step `prepare`: rows → conversations → tokens → blocks for training, and the rows that are held out.

Leaves in its folder: `tokenizer/`, `train.npy` and `eval.npy` (blocks, see `packing`), `eval.jsonl` (the held-out rows
themselves, for the test) and `data.json` (counts and fingerprints).
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import entry, folders, hub, preparation
from ..entry import WORK, argument
from ..errors import UserError
from ..journal import Journal
from . import prompt, rows

if TYPE_CHECKING:
    from datasets import Dataset


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
        tokenized = preparation.tokenize(part, _token_ids, tokenizer, arguments.processes, work / f"{name}.arrow")
        counts[name] = preparation.write_blocks(tokenized, out / f"{name}.npy", arguments.block_size)
        journal.progress(len(part), len(part), f"{name} rows tokenized")
    preparation.write_rows(held_out, out / "eval.jsonl")
    summary = {"dataset": arguments.dataset, "revision": arguments.dataset_revision, "rows": len(data), **counts}
    (out / "data.json").write_text(json.dumps(summary, indent=1))
    journal.result(preparation.in_words(counts["train"], arguments.block_size))


def split(data: "Dataset", train_rows: int, eval_rows: int, seed: int) -> tuple["Dataset", "Dataset"]:
    """With all rows of the real data set and the defaults, the seed guide's split: 50,000 and the 500 after them."""
    return preparation.split(data, train_rows, eval_rows, seed, _key)


def _key(row: Any) -> int:
    return hash((row["question"], row["context"]))


def _token_ids(batch: dict[str, list[str]], tokenizer: Any) -> list[list[int]]:
    columns = zip(*(batch[field] for field in rows.FIELDS), strict=True)
    return prompt.token_ids(tokenizer, [rows.Row(question=q, context=c, answer=a) for q, c, a in columns])


def _tokenizer(arguments: Arguments, out: Path) -> Any:
    tokenizer = hub.load_tokenizer(arguments.tokenizer, arguments.tokenizer_revision)
    if tokenizer.chat_template is None:
        raise UserError(
            f"The tokenizer {arguments.tokenizer} has no chat template. Name that of an instruction-tuned model: "
            "parameters.tokenizer."
        )
    tokenizer.save_pretrained(out / folders.TOKENIZER)
    return tokenizer


if __name__ == "__main__":
    preparation.use_no_torch()
    sys.exit(entry.main(Arguments, prepare))
