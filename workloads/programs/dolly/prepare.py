"""Step `prepare`: rows → texts → tokens → blocks for training, and the rows that are held out.

Leaves in its folder: `tokenizer/`, `train.npy` and `eval.npy` (blocks, see `packing`), `eval.jsonl` (the held-out rows
themselves) and `data.json` (counts and fingerprints).
"""

import sys
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import entry, hub, preparation
from ..entry import argument
from . import prompt
from .rows import CONTEXT, FORM, INSTRUCTION


@dataclass
class Arguments(preparation.Arguments):
    dataset: str = argument("data set on the Hub, or a JSONL file with the fields instruction, context, response")


def prepare(arguments: Arguments, out: Path) -> None:
    tokenizer = hub.load_tokenizer(arguments.tokenizer, arguments.tokenizer_revision)
    preparation.prepare(arguments, out, preparation.Rows(FORM, _key, prompt.token_ids), tokenizer)


def _key(row: Any) -> Hashable:
    return row[INSTRUCTION], row[CONTEXT]


if __name__ == "__main__":
    preparation.use_no_torch()
    sys.exit(entry.main(Arguments, prepare))
