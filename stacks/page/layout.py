"""Where boxes and the lines between them go: a layered drawing, from top to bottom, no wider than it is told.

Boxes stand in layers, each below all that it comes after. What leaves a box for a layer further down than the next runs
in one lane through the layers between, together with all that leaves the same box; it bends only between two layers,
where no box is.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from .graph import Edge, without_cycles
from .layers import BESIDE, SWEEPS, Cell, Layers, Links, Size, extent_of, fitting, links_of, ordered, ranks_of, width_of

BETWEEN = 40.0
"""Pixels between two layers, for the lines to bend in."""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a box is, in pixels from the top left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        return self.x + self.width / 2

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height


@dataclass(frozen=True, slots=True)
class Route:
    """A line from the bottom of `start` to the top of `end`. Its stretches are by turns straight down, beside boxes,
    and across, between two layers."""

    start: str
    end: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    places: Mapping[str, Place]
    routes: tuple[Route, ...]
    width: float
    height: float


def layered(sizes: Mapping[str, Size], edges: Sequence[Edge], width: float) -> Layout:
    """The drawing of boxes of `sizes`, each edge from what comes first to what comes after it.

    It is `width` wide, or as wide as it must be where a single box and the lines beside it need more.
    """
    forward = without_cycles(sizes, edges)
    layers = fitting(sizes, forward, width)
    links = links_of(layers, forward)
    layers = ordered(layers, links)
    extent = max([width, *(extent_of(layer, sizes) for layer in layers)])
    middles = _middles(layers, links, sizes, extent)
    rows = _rows(layers, sizes)
    places = {
        name: _place(middles[rank, (name, lane)], rows[rank].top, sizes[name])
        for rank, layer in enumerate(layers)
        for name, lane in layer
        if not lane
    }
    routes = tuple(_routes(forward, layers, places, middles, rows))
    return Layout(places, routes, extent, rows[-1].bottom if rows else 0.0)


@dataclass(frozen=True, slots=True)
class Row:
    """From where to where a layer reaches downwards."""

    top: float
    bottom: float


def _rows(layers: Layers, sizes: Mapping[str, Size]) -> list[Row]:
    rows: list[Row] = []
    for layer in layers:
        top = rows[-1].bottom + BETWEEN if rows else 0.0
        rows.append(Row(top, top + max(sizes[name].height for name, lane in layer if not lane)))
    return rows


def _place(middle: float, top: float, size: Size) -> Place:
    return Place(middle - size.width / 2, top, size.width, size.height)


Middles = dict[tuple[int, Cell], float]
"""By layer and cell, since a lane runs through several layers."""


def _middles(layers: Layers, links: Links, sizes: Mapping[str, Size], width: float) -> Middles:
    """The middle of each cell: as near as can be to those that it is linked with, none on another."""
    near: dict[tuple[int, Cell], list[tuple[int, Cell]]] = {}
    for rank, pairs in enumerate(links):
        for upper, lower in pairs:
            near.setdefault((rank, upper), []).append((rank + 1, lower))
            near.setdefault((rank + 1, lower), []).append((rank, upper))
    found: Middles = {}
    for rank, layer in enumerate(layers):
        start = (width - extent_of(layer, sizes)) / 2
        for cell in layer:
            found[rank, cell] = start + width_of(cell, sizes) / 2
            start += width_of(cell, sizes) + BESIDE
    for sweep in range(SWEEPS):
        for rank in range(len(layers)) if sweep % 2 == 0 else reversed(range(len(layers))):
            keys = [(rank, cell) for cell in layers[rank]]
            wanted = [_mean([found[one] for one in near.get(key, [key])]) for key in keys]
            widths = [width_of(cell, sizes) for cell in layers[rank]]
            found |= dict(zip(keys, _apart(wanted, widths, width), strict=True))
    return found


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _apart(wanted: Sequence[float], widths: Sequence[float], width: float) -> list[float]:
    """Middles near those `wanted`, in the same order, between 0 and `width`, and never nearer than `BESIDE`.

    It is the mean of what comes of it from the left and from the right: each alone would drift to its side.
    """
    one = _pushed(wanted, widths, width)
    mirrored = _pushed([width - middle for middle in reversed(wanted)], list(reversed(widths)), width)
    return [(middle + width - other) / 2 for middle, other in zip(one, reversed(mirrored), strict=True)]


def _pushed(wanted: Sequence[float], widths: Sequence[float], width: float) -> list[float]:
    """From the left: each where it is wanted, or as far to the right of that as the one before it makes it go."""
    lefts: list[float] = []
    edge = 0.0
    for middle, own in zip(wanted, widths, strict=True):
        lefts.append(max(middle - own / 2, edge))
        edge = lefts[-1] + own + BESIDE
    edge = width
    for place in reversed(range(len(lefts))):
        lefts[place] = min(lefts[place], edge - widths[place])
        edge = lefts[place] - BESIDE
    return [left + own / 2 for left, own in zip(lefts, widths, strict=True)]


def _routes(
    edges: Sequence[Edge], layers: Layers, places: Mapping[str, Place], middles: Middles, rows: Sequence[Row]
) -> Iterator[Route]:
    ranks = ranks_of(layers)
    for start, end in edges:
        first, last = ranks[start], ranks[end]
        points = [(places[start].middle, places[start].bottom), (places[start].middle, rows[first].bottom)]
        for rank in range(first + 1, last):
            lane = middles[rank, (start, True)]
            points += [(lane, rows[rank].top), (lane, rows[rank].bottom)]
        points.append((places[end].middle, places[end].y))
        yield Route(start, end, tuple(points))
