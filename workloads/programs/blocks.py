"""Token blocks on disk: written once, then memory-mapped by every training process. Shape [blocks, block_size]."""

import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .packing import EMPTY, lay_out

Tokens = npt.NDArray[np.int32]


def write(
    path: Path, lengths: npt.NDArray[np.int64], sequences: Iterable[Tokens], block_size: int
) -> dict[str, int | str]:
    """Packs `sequences` (as many as `lengths` has entries) into `path` and tells what came of it.

    Memory does not grow with their number beyond some 60 bytes a sequence for the layout.
    """
    layout = lay_out(lengths, block_size)
    shape = (layout.blocks, block_size)
    blocks = np.lib.format.open_memmap(path, mode="w+", dtype=np.int32, shape=shape)
    blocks[:] = EMPTY
    for block, offset, tokens in zip(layout.block, layout.offset, sequences, strict=True):
        if block >= 0:
            blocks[block, offset : offset + len(tokens)] = tokens
    blocks.flush()
    return {
        "blocks": layout.blocks,
        "tokens": int(lengths[layout.block >= 0].sum()),
        "rows": len(lengths),
        "too_long": layout.too_long,
        "sha256": _digest(path),
    }


class Stream:
    """Writes one endless row of tokens as blocks, as they come; what does not fill a block yet waits for more.

    Memory stays at a block and what is added at a time, however many blocks there will be: the file's header is
    written once more at the end, when their number is known. What comes after `most` blocks is let go.
    """

    def __init__(self, path: Path, block_size: int, most: int = sys.maxsize):
        self._file = path.open("wb")
        self._block_size, self._most = block_size, most
        self._rest: Tokens = np.empty(0, dtype=np.int32)
        self._digest = hashlib.sha256()
        self.blocks = 0
        self._write_header()

    @property
    def full(self) -> bool:
        return self.blocks == self._most

    def add(self, tokens: Tokens) -> None:
        joined = np.concatenate([self._rest, tokens.astype(np.int32, copy=False)])
        whole = min(len(joined) // self._block_size, self._most - self.blocks)
        content = joined[: whole * self._block_size].tobytes()
        self._file.write(content)
        self._digest.update(content)
        self.blocks += whole
        self._rest = joined[:0] if self.full else joined[whole * self._block_size :]

    def close(self) -> dict[str, int | str]:
        """Finishes the file and tells what is in it; `left` tokens at the very end fill no block."""
        self._write_header()
        self._file.close()
        tokens = self.blocks * self._block_size
        return {"blocks": self.blocks, "tokens": tokens, "left": len(self._rest), "sha256": self._digest.hexdigest()}

    def _write_header(self) -> None:
        """numpy leaves room in a header for the first axis to grow, so that one written anew is as long."""
        self._file.seek(0)
        layout: dict[str, Any] = {"descr": "<i4", "fortran_order": False, "shape": (self.blocks, self._block_size)}
        np.lib.format.write_array_header_1_0(self._file, layout)


def read(path: Path) -> Tokens:
    """The blocks of `path`, not loaded but mapped: a batch reads just its own pages."""
    return np.load(path, mmap_mode="r")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else _chunked(file)


def _chunked(file) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(2**20):
        digest.update(chunk)
    return digest.hexdigest()
