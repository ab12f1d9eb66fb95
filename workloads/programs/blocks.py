"""Token blocks on disk: written once, then memory-mapped by every training process. Shape [blocks, block_size]."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

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
