"""Step `tokenizer` of a rehearsal, in place of Llama 2's from the Hub: a small one learnt from the corpus at hand."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .. import entry
from ..entry import argument
from ..finetune import RESULT
from ..journal import Journal
from ..rehearsal import tiny
from . import corpus


@dataclass
class Arguments(corpus.Arguments):
    vocabulary: int = argument("tokens in the tokenizer, at the most")


def make_tokenizer(arguments: Arguments, out: Path) -> None:
    source = corpus.source(arguments)
    tokenizer = tiny.train_tokenizer(_texts(source), arguments.vocabulary)
    tokenizer.save_pretrained(out / RESULT)
    Journal(out).result(f"{len(tokenizer):,} tokens learnt")


def _texts(source: corpus.Source) -> Iterator[str]:
    for path in corpus.files(source):
        yield from (piece.text for piece in corpus.read(path, source.field))


if __name__ == "__main__":
    sys.exit(entry.main(Arguments, make_tokenizer))
