"""Step `tokenize`: the corpus as the indexed data set that Megatron reads, and the held-out text as token blocks.

The repository's own script makes the first, with a process a CPU. Leaves `corpus_text_document.bin` and `.idx`,
`eval.npy`, `tokenizer/` and `data.json`.
"""

import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import blocks, entry, folders
from ..entry import WORK, argument
from ..errors import UserError
from ..folders import TOKENIZER
from ..journal import Journal
from . import corpus, repository
from .download import COUNTS
from .pretraining import PREFIX, TOKENS, Command
from .process import Failed, carry_out

PROCESSED = re.compile(r"Processed (?P<documents>\d+) documents")
REPORT_EVERY = 10_000


@dataclass
class Arguments:
    out: str = argument("folder of this step")
    corpus: str = argument("folder of the step that fetched the corpus")
    tokenizer: str = argument("folder of the step that fetched the tokenizer")
    sequence_length: int = argument("tokens in a sequence")
    indexed: bool = argument("whether to make the indexed data set; only the recipe's image has the script for it")
    processes: int = argument("processes that tokenize; 0 for one a CPU")


def tokenize(arguments: Arguments, out: Path) -> None:
    journal = Journal(out)
    source = folders.require_done(Path(arguments.corpus))
    tokenizer = folders.require_done(Path(arguments.tokenizer)) / TOKENIZER
    counts = json.loads((source / COUNTS).read_text())
    shutil.copytree(tokenizer, out / TOKENIZER)
    held_out = write_blocks(source / corpus.HELD_OUT, tokenizer, out, arguments.sequence_length)
    (out / COUNTS).write_text(json.dumps({**counts, "held_out": held_out}, indent=1))
    journal.progress(counts["held_out"], counts["held_out"], "held-out documents tokenized")
    if arguments.indexed:
        told = _Told(journal, counts["train"])
        processes = arguments.processes or os.cpu_count() or 1
        make_index(indexing(source / corpus.TRAIN, tokenizer, out / TOKENS, processes), out, told)
    what = f"{counts['train']:,} documents tokenized, " if arguments.indexed else ""
    journal.result(f"{what}{held_out['blocks']:,} held-out blocks of {arguments.sequence_length:,} tokens")


def write_blocks(held_out: Path, tokenizer: Path, out: Path, length: int) -> "dict[str, int | str]":
    """The held-out text as one row of tokens, documents ended as in training, cut into blocks. UserError for none."""
    tokens = np.fromiter(_tokens(held_out, tokenizer), dtype=np.int32)
    whole, rest = divmod(len(tokens), length)
    lengths = np.array([length] * whole + ([rest] if rest else []), dtype=np.int64)
    pieces = (tokens[start : start + length] for start in range(0, len(tokens), length))
    counts = blocks.write(out / "eval.npy", lengths, pieces, length)
    if not counts["blocks"]:
        raise UserError(f"{held_out} has no text to test with. Raise parameters.held_out_share.")
    return counts


def _tokens(held_out: Path, tokenizer: Path) -> Iterator[int]:
    from transformers import AutoTokenizer

    loaded: Any = AutoTokenizer.from_pretrained(str(tokenizer))
    with held_out.open(encoding="utf-8") as lines:
        for line in lines:
            yield from loaded(json.loads(line)[corpus.FIELD], add_special_tokens=False)["input_ids"]
            yield loaded.eos_token_id


@dataclass(frozen=True)
class _Told:
    """Hears the script's lines, and journals how far it is."""

    journal: Journal
    documents: int

    def __call__(self, line: str) -> None:
        match = PROCESSED.search(line)
        if match and int(match["documents"]) % REPORT_EVERY == 0:
            self.journal.progress(int(match["documents"]), self.documents, "documents tokenized")


def make_index(command: Command, out: Path, heard: Callable[[str], None]) -> None:
    (out / WORK).mkdir(exist_ok=True)
    carry_out(command, out / WORK / "log", heard)
    for name in (f"{PREFIX}.bin", f"{PREFIX}.idx"):
        if not (out / name).is_file() or not (out / name).stat().st_size:
            raise Failed(f"error: the script left no {name}, and said that all was well")


def indexing(text: Path, tokenizer: Path, prefix: Path, processes: int) -> Command:
    """The command that makes the indexed data set, as the seed guide has it."""
    given = ("--input", str(text), "--json-keys", corpus.FIELD, "--output-prefix", str(prefix))
    how = ("--tokenizer-library", "huggingface", "--tokenizer-type", str(tokenizer), "--dataset-impl", "mmap")
    words = (*given, *how, "--append-eod", "--need-pad-id", "--workers", str(processes))
    environment = {"TOKENIZERS_PARALLELISM": "false"}  # the processes are the parallelism
    return Command(("python3", repository.PREPROCESS, *words), environment)


if __name__ == "__main__":
    os.environ["USE_TORCH"] = "0"  # transformers would import it: seconds, and memory, that tokenizing needs not
    os.environ["TRANSFORMERS_NO_ADVISORY_WARNINGS"] = "1"  # it would complain that it found no torch
    sys.exit(entry.main(Arguments, tokenize))
