"""Step `prepare`: a corpus → tokens → blocks for training, and blocks of articles that are held out.

Leaves in its folder: `tokenizer/`, `train.npy` and `eval.npy` (see `blocks`), and `data.json` (counts, fingerprints).
Articles follow one another with an end-of-text token between them; blocks are cut from that row wherever they end, and
what a batch leaves over begins the next block.
"""

import json
import os
import sys
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from .. import blocks, entry, folders, hub
from ..entry import argument
from ..errors import UserError
from ..journal import Journal
from . import corpus

CHARACTERS_AT_A_TIME = 2**19
"""What a process tokenizes at a time: half a second's work, so that none waits long for the others at the end."""

LEAST_STRIDE = 10
"""At the most every tenth article is held out."""

SAY_EVERY_SECONDS = 10.0


@dataclass
class Arguments(corpus.Arguments):
    tokenizer: str = argument("its name on the Hub, or a folder")
    tokenizer_revision: str = argument("branch, tag or commit of the tokenizer on the Hub")
    block_size: int = argument("tokens in a block")
    eval_blocks: int = argument("blocks to hold out, at the most")
    train_blocks: int = argument("blocks to train on, at the most; 0 for all that there are")
    processes: int = argument("processes that tokenize; 0 for one a CPU")


@dataclass(frozen=True, slots=True)
class Chunk:
    """Pieces of text to tokenize together, each with whether its article is held out."""

    pieces: list[tuple[corpus.Piece, bool]]


@dataclass(frozen=True, slots=True)
class Tokenized:
    """Tokens of a chunk's training articles and of its held-out ones, in order, ends of text included."""

    train: blocks.Tokens
    held_out: blocks.Tokens


def prepare(arguments: Arguments, out: Path) -> None:
    journal = Journal(out)
    tokenizer = _tokenizer(arguments, out)
    source = corpus.source(arguments)
    files = corpus.files(source)
    size = corpus.size(files, source.field)
    journal.say(f"{len(files):,} files with about {size / 2**20:,.0f} MiB of text")
    chunks = _chunks(
        _reported(files, source.field, journal), stride(size, arguments.eval_blocks * arguments.block_size)
    )
    counts = _write(_tokenized(chunks, str(out / folders.TOKENIZER), arguments.processes), arguments, out, journal)
    summary = {"corpus": source.name, "revision": source.revision, "files": len(files), "vocabulary": len(tokenizer)}
    (out / "data.json").write_text(json.dumps({**summary, **counts}, indent=1))
    train, held_out = counts["train"], counts["eval"]
    journal.result(
        f"{train['blocks']:,} blocks of {arguments.block_size:,} tokens, and {held_out['blocks']:,} held out"
    )


def stride(size: int, held_out: int) -> int:
    """Every how manieth article to hold out for `held_out` tokens, spread over a corpus of about `size` bytes.

    A quarter more than what is needed, since the size in tokens is a guess.
    """
    return max(LEAST_STRIDE, int(size / (corpus.BYTES_A_TOKEN * held_out * 1.25)))


def _reported(files: list[Path], field: str, journal: Journal) -> Iterator[corpus.Piece]:
    for done, path in enumerate(files):
        yield from corpus.read(path, field)
        journal.progress(done + 1, len(files), "files read")


def _chunks(pieces: Iterator[corpus.Piece], every: int) -> Iterator[Chunk]:
    """Each `every`th article is held out, beginning with the first."""
    article, held, size = 0, [], 0
    for piece in pieces:
        held.append((piece, article % every == 0))
        article += piece.ends
        size += len(piece.text)
        if size >= CHARACTERS_AT_A_TIME:
            yield Chunk(held)
            held, size = [], 0
    if held:
        yield Chunk(held)


def _tokenized(chunks: Iterator[Chunk], tokenizer: str, processes: int) -> Iterator[Tokenized]:
    """The chunks' tokens in their order, whatever `processes`; few chunks are under way at a time."""
    wanted = processes or os.cpu_count() or 1
    if wanted == 1:
        _begin(tokenizer)
        yield from map(tokenize, chunks)
        return
    under_way: deque[Future[Tokenized]] = deque()
    # a forked child would inherit locks of pyarrow's threads, and wait for them for ever
    with ProcessPoolExecutor(wanted, get_context("spawn"), _begin, (tokenizer,)) as pool:
        for chunk in chunks:
            under_way.append(pool.submit(tokenize, chunk))
            if len(under_way) > 2 * wanted:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()


_TOKENIZER: dict[str, Any] = {}
"""The tokenizer of this process."""


def _begin(tokenizer: str) -> None:
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # the processes are the parallelism
    _TOKENIZER["tokenizer"] = hub.load_tokenizer(tokenizer)


def tokenize(chunk: Chunk) -> Tokenized:
    tokenizer = _TOKENIZER["tokenizer"]
    rows = tokenizer([piece.text for piece, _ in chunk.pieces], add_special_tokens=False, verbose=False)["input_ids"]
    parts: dict[bool, list[blocks.Tokens]] = {False: [], True: []}
    for row, (piece, held_out) in zip(rows, chunk.pieces, strict=True):
        parts[held_out].append(np.array([*row, tokenizer.eos_token_id] if piece.ends else row, dtype=np.int32))
    empty = [np.empty(0, dtype=np.int32)]
    return Tokenized(*(np.concatenate(empty + parts[held_out]) for held_out in (False, True)))


def _write(parts: Iterator[Tokenized], arguments: Arguments, out: Path, journal: Journal) -> dict[str, Any]:
    train = blocks.Stream(out / "train.npy", arguments.block_size, arguments.train_blocks or sys.maxsize)
    held_out = blocks.Stream(out / "eval.npy", arguments.block_size, arguments.eval_blocks)
    said = began = time.monotonic()
    for part in parts:
        train.add(part.train)
        (train if held_out.full else held_out).add(part.held_out)
        if train.full:
            break
        if time.monotonic() - said > SAY_EVERY_SECONDS:
            said = time.monotonic()
            speed = train.blocks * arguments.block_size / (said - began)
            journal.say(f"{train.blocks:,} blocks so far, {speed:,.0f} tokens/s")
    counts = {"train": train.close(), "eval": held_out.close()}
    for name, count in counts.items():
        if count["blocks"] == 0:
            raise UserError(
                f"{arguments.corpus}: too little text for one {name} block of {arguments.block_size:,} tokens. Give "
                "more text, or lower parameters.block_size."
            )
    return counts


def _tokenizer(arguments: Arguments, out: Path) -> Any:
    tokenizer = hub.load_tokenizer(arguments.tokenizer, arguments.tokenizer_revision)
    if tokenizer.eos_token_id is None:
        raise UserError(f"The tokenizer {arguments.tokenizer} has no end-of-text token. Name another.")
    tokenizer.save_pretrained(out / folders.TOKENIZER)
    return tokenizer


if __name__ == "__main__":
    os.environ["USE_TORCH"] = "0"  # transformers would import it: three seconds and 700 MiB that tokenizing needs not
    os.environ["TRANSFORMERS_NO_ADVISORY_WARNINGS"] = "1"  # it would complain that it found no torch
    sys.exit(entry.main(Arguments, prepare))
