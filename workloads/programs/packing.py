"""Whole token sequences laid side by side in blocks of one fixed length, the shape that a Neuron graph needs.

A sequence is never cut: one that is longer than a block is left out and counted. What stays empty at a block's end
holds `EMPTY`, which is no token, so that padding and an end-of-text token cannot be mixed up.
"""

from bisect import bisect_left, insort
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

EMPTY = -1
IGNORED_LABEL = -100
"""The label that every cross-entropy here leaves out (torch's default `ignore_index`)."""

OPEN_BLOCKS = 64
"""How many blocks are filled at a time: more fill better and cost more time; 64 leaves about 1% empty."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each sequence goes. `block` and `offset` have one entry a sequence; `block` is -1 where one is too long."""

    block: npt.NDArray[np.int64]
    offset: npt.NDArray[np.int64]
    blocks: int

    @property
    def too_long(self) -> int:
        return int((self.block < 0).sum())


def lay_out(lengths: npt.NDArray[np.int64], block_size: int) -> Layout:
    """Best fit: each sequence, in order, into the fullest open block that still has room for it.

    The same lengths give the same layout, however many processes measured them.
    """
    block = np.full(len(lengths), -1, dtype=np.int64)
    offset = np.zeros(len(lengths), dtype=np.int64)
    room: list[tuple[int, int]] = []  # (tokens free, block), least room first
    blocks = 0
    for sequence, length in enumerate(lengths.tolist()):
        if length > block_size:
            continue
        place = bisect_left(room, (length, -1))
        if place == len(room):
            insort(room, (block_size, blocks))
            place, blocks = len(room) - 1, blocks + 1
        free, chosen = room.pop(place)
        block[sequence], offset[sequence] = chosen, block_size - free
        insort(room, (free - length, chosen))
        if len(room) > OPEN_BLOCKS:
            room.pop(0)
    return Layout(block, offset, blocks)


def inputs_and_labels(rows: npt.NDArray[np.int32]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Blocks [n, block_size] as they lie on disk → input ids and labels, both [n, block_size].

    Padding reads token 0 and is left out of the loss; it stands after all that counts, so causal attention keeps it
    from touching anything.
    """
    tokens = rows.astype(np.int64)
    empty = tokens == EMPTY
    return np.where(empty, 0, tokens), np.where(empty, IGNORED_LABEL, tokens)
