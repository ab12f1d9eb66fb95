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
class Arguments:
    out: str = argument("folder of this step")
    corpus: str = argument("a file or folder of text, or a data set on the Hub that has such files")
    corpus_revision: str = argument("branch, tag or commit of the data set on the Hub")
    corpus_files: str = argument("which files of a folder or data set: a pattern, as 20231101.en/*.parquet")
    corpus_field: str = argument("the field of a Parquet or JSONL row that holds the text")
    vocabulary: int = argument("tokens in the tokenizer, at the most")


def make_tokenizer(arguments: Arguments, out: Path) -> None:
    source = corpus.Source(arguments.corpus, arguments.corpus_revision, arguments.corpus_files, arguments.corpus_field)
    tokenizer = tiny.train_tokenizer(_texts(source), arguments.vocabulary)
    tokenizer.save_pretrained(out / RESULT)
    Journal(out).result(f"{len(tokenizer):,} tokens learnt")


def _texts(source: corpus.Source) -> Iterator[str]:
    for path in corpus.files(source):
        yield from (piece.text for piece in corpus.read(path, source.field))


if __name__ == "__main__":
    sys.exit(entry.main(Arguments, make_tokenizer))
