"""Step `prepare`: rows → conversations → tokens → blocks for training, and the rows that are held out.

Leaves in its folder: `tokenizer/`, `train.npy` and `eval.npy` (blocks, see `packing`), `eval.jsonl` (the held-out rows
themselves, for the test) and `data.json` (counts and fingerprints).
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import entry, hub, preparation
from ..entry import argument
from ..errors import UserError
from . import prompt, rows

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass
class Arguments(preparation.Arguments):
    dataset: str = argument("data set on the Hub, or a JSONL file with the fields question, context, answer")
    tokenizer: str = argument("tokenizer with a chat template: its name on the Hub, or a folder")


def prepare(arguments: Arguments, out: Path) -> None:
    preparation.prepare(arguments, out, preparation.Rows(rows.FORM, _key, _token_ids), _tokenizer(arguments))


def split(data: "Dataset", train_rows: int, eval_rows: int, seed: int) -> tuple["Dataset", "Dataset"]:
    """With all rows of the real data set and the defaults, the seed guide's split: 50,000 and the 500 after them."""
    return preparation.split(data, train_rows, eval_rows, seed, _key)


def _key(row: Any) -> int:
    return hash((row["question"], row["context"]))


def _token_ids(batch: dict[str, list[str]], tokenizer: Any) -> list[list[int]]:
    columns = zip(*(batch[field] for field in rows.FIELDS), strict=True)
    return prompt.token_ids(tokenizer, [rows.Row(question=q, context=c, answer=a) for q, c, a in columns])


def _tokenizer(arguments: Arguments) -> Any:
    tokenizer = hub.load_tokenizer(arguments.tokenizer, arguments.tokenizer_revision)
    if tokenizer.chat_template is None:
        raise UserError(
            f"The tokenizer {arguments.tokenizer} has no chat template. Name that of an instruction-tuned model: "
            "parameters.tokenizer."
        )
    return tokenizer


if __name__ == "__main__":
    preparation.use_no_torch()
    sys.exit(entry.main(Arguments, prepare))
