"""Step `prepare`: rows → texts → tokens → blocks for training, and the rows that are held out.

Leaves in its folder: `tokenizer/`, `train.npy` and `eval.npy` (blocks, see `packing`), `eval.jsonl` (the held-out rows
themselves) and `data.json` (counts and fingerprints).
"""

import json
import sys
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import entry, folders, hub, preparation
from ..entry import WORK, argument
from ..journal import Journal
from . import prompt
from .rows import CONTEXT, FORM, INSTRUCTION


@dataclass
class Arguments:
    out: str = argument("folder of this step")
    dataset: str = argument("data set on the Hub, or a JSONL file with the fields instruction, context, response")
    dataset_revision: str = argument("branch, tag or commit of the data set on the Hub")
    tokenizer: str = argument("tokenizer: its name on the Hub, or a folder")
    tokenizer_revision: str = argument("branch, tag or commit of the tokenizer on the Hub")
    train_rows: int = argument("rows to train on, at the most")
    eval_rows: int = argument("rows to hold out, at the most a tenth of all")
    shuffle_seed: int = argument("seed of the shuffle before rows are split")
    block_size: int = argument("tokens in a block")
    processes: int = argument("processes that tokenize; 0 for one a CPU")


def prepare(arguments: Arguments, out: Path) -> None:
    journal, work = Journal(out), out / WORK
    tokenizer = hub.load_tokenizer(arguments.tokenizer, arguments.tokenizer_revision)
    tokenizer.save_pretrained(out / folders.TOKENIZER)
    data = FORM.load(arguments.dataset, arguments.dataset_revision, work)
    parts = preparation.split(data, arguments.train_rows, arguments.eval_rows, arguments.shuffle_seed, _key)
    journal.say(f"{len(data):,} rows: {len(parts[0]):,} to train on, {len(parts[1]):,} held out")
    counts = {}
    for name, part in zip(("train", "eval"), parts, strict=True):
        tokenized = preparation.tokenize(part, prompt.token_ids, tokenizer, arguments.processes, work / f"{name}.arrow")
        counts[name] = preparation.write_blocks(tokenized, out / f"{name}.npy", arguments.block_size)
        journal.progress(len(part), len(part), f"{name} rows tokenized")
    preparation.write_rows(parts[1], out / "eval.jsonl")
    summary = {"dataset": arguments.dataset, "revision": arguments.dataset_revision, "rows": len(data), **counts}
    (out / "data.json").write_text(json.dumps(summary, indent=1))
    journal.result(preparation.in_words(counts["train"], arguments.block_size))


def _key(row: Any) -> Hashable:
    return row[INSTRUCTION], row[CONTEXT]


if __name__ == "__main__":
    preparation.use_no_torch()
    sys.exit(entry.main(Arguments, prepare))
