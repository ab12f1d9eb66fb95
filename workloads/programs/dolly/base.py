"""Step `base` of a rehearsal, in place of the model from the Hub: a tokenizer learnt from the rows, and a tiny Llama.

Its weights are random: training every weight, it has all to learn.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from .. import entry
from ..entry import WORK, argument
from ..finetune import RESULT
from ..journal import Journal
from ..rehearsal import tiny
from . import prompt
from .rows import FORM


@dataclass
class Arguments:
    out: str = argument("folder of this step")
    dataset: str = argument("data set on the Hub, or a JSONL file with the fields instruction, context, response")
    dataset_revision: str = argument("branch, tag or commit of the data set on the Hub")
    vocabulary: int = argument("tokens in the tokenizer, at the most")
    seed: int = argument("seed of the weights")


def make_base(arguments: Arguments, out: Path) -> None:
    data = FORM.load(arguments.dataset, arguments.dataset_revision, out / WORK)
    tokenizer = tiny.train_tokenizer((prompt.text(row) for row in data), arguments.vocabulary)  # type: ignore[arg-type]
    model = tiny.make_model(len(tokenizer), arguments.seed)
    tiny.save(out / RESULT, model, tokenizer)
    Journal(out).result(f"{model.num_parameters():,} random weights, {len(tokenizer):,} tokens")


if __name__ == "__main__":
    sys.exit(entry.main(Arguments, make_base))
