"""Boxes with words in them, and boxes within boxes: how large each must be, and where its words go."""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from .layers import Size

TITLE_WIDTH, NOTE_WIDTH = 7.4, 6.5
"""Pixels of one character of a monospaced font, at the 12 and 10.5 pixels that style.css sets: 0.6 em in all that are
common, and a little to spare."""
TITLE_LINE, NOTE_LINE = 16.0, 14.0
PAD, GAP = 8.0, 6.0


@dataclass(frozen=True, slots=True)
class Node:
    """Something to draw: `notes` stand below its name, `inner` within its box."""

    key: str
    name: str
    notes: tuple[str, ...] = ()
    kind: str = ""
    inner: tuple["Node", ...] = ()


@dataclass(frozen=True, slots=True)
class Block:
    """A node with its words broken into lines, and the size that it takes."""

    node: Node
    titles: tuple[str, ...]
    notes: tuple[str, ...]
    inner: tuple["Block", ...]
    size: Size


@dataclass(frozen=True, slots=True)
class Line:
    """Words with the middle of their base line."""

    text: str
    x: float
    y: float
    kind: str
    width: float


@dataclass(frozen=True, slots=True)
class Drawn:
    """One box as it is drawn, its words with it; those within it are drawn after it."""

    node: Node
    x: float
    y: float
    width: float
    height: float
    lines: tuple[Line, ...]
    depth: int


def block(node: Node, characters: int) -> Block:
    """`node` with lines of at most `characters`."""
    titles = tuple(_lines(node.name, characters))
    notes = tuple(line for note in node.notes for line in _lines(note, characters + 2))
    inner = tuple(block(one, characters - 2) for one in node.inner)
    words = [len(line) * TITLE_WIDTH for line in titles] + [len(line) * NOTE_WIDTH for line in notes]
    width = 2 * PAD + max([*words, *(one.size.width for one in inner)])
    height = 2 * PAD + len(titles) * TITLE_LINE + len(notes) * NOTE_LINE + sum(one.size.height + GAP for one in inner)
    return Block(node, titles, notes, inner, Size(width, height))


def _lines(text: str, characters: int) -> list[str]:
    """`text` in lines, broken at spaces and hyphens where it has any."""
    return textwrap.wrap(text, characters) or [""]


def drawn(shape: Block, x: float, y: float, width: float, depth: int = 0) -> Iterator[Drawn]:
    """The box, its top left corner at (x, y), and all within it, from the outermost, each as wide as there is room."""
    lines: list[Line] = []
    at = y + PAD
    for text in shape.titles:
        at += TITLE_LINE
        lines.append(Line(text, x + width / 2, at - 4, "title", len(text) * TITLE_WIDTH))
    for text in shape.notes:
        at += NOTE_LINE
        lines.append(Line(text, x + width / 2, at - 4, "note", len(text) * NOTE_WIDTH))
    yield Drawn(shape.node, x, y, width, shape.size.height, tuple(lines), depth)
    for one in shape.inner:
        at += GAP
        yield from drawn(one, x + PAD, at, width - 2 * PAD, depth + 1)
        at += one.size.height
