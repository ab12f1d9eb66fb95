"""Text for pretraining: JSON lines with the field `text`, joined from many files into one to train on and one held out.

Which side a document goes to depends on its text alone: the same one twice never stands on both. Lines are handed on as
they are, one at a time, so that memory does not grow with the corpus.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from .. import json_lines
from ..errors import UserError

TRAIN, HELD_OUT = "train.jsonl", "held-out.jsonl"
FIELD = "text"
REPORT_EVERY = 50_000


@dataclass
class Counts:
    """Documents on both sides, and bytes of the lines."""

    train: int = 0
    held_out: int = 0
    bytes: int = 0


def join(files: Iterable[Path], out: Path, held_out_share: float, told: Callable[[Counts], None]) -> Counts:
    """Writes `TRAIN` and `HELD_OUT` below `out`. UserError for what is no whole corpus, with the file and the line."""
    counts = Counts()
    with ExitStack() as stack:
        train, held_out = (stack.enter_context((out / name).open("wb")) for name in (TRAIN, HELD_OUT))
        for line, text in _documents(files):
            held = is_held_out(text, held_out_share)
            (held_out if held else train).write(line + b"\n")
            counts.held_out += held
            counts.train += not held
            counts.bytes += len(line) + 1
            if (counts.train + counts.held_out) % REPORT_EVERY == 0:
                told(counts)
    return counts


def is_held_out(text: str, share: float) -> bool:
    """True for about that share of all texts, and always the same for the same text."""
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") < share * 2**64


def _documents(files: Iterable[Path]) -> Iterator[tuple[bytes, str]]:
    for file in files:
        if file.stat().st_size == 0:
            raise UserError(f"{file} is empty. {_AGAIN}")
        with file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if not line.isspace():
                    yield line.strip(), _text(line, f"{file}, line {number}")


def _text(line: bytes, where: str) -> str:
    row = json_lines.parse(line, where, _AGAIN)
    text = row.get(FIELD) if isinstance(row, dict) else None
    if not isinstance(text, str):
        raise UserError(f'{where} has no text: each line is to be an object with the field "{FIELD}".')
    return text


_AGAIN = "Delete it and fetch it again."
