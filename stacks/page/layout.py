"""Where boxes and the lines between them go: a layered drawing, from top to bottom, no wider than it is told.

Boxes stand in layers, each below all that it comes after. What leaves a box for a layer further down than the next runs
in one lane through the layers between, together with all that leaves the same box; it bends only between two layers,
where no box is.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

BESIDE = 14.0
"""Pixels between two boxes of a layer, or a box and a lane."""
BETWEEN = 40.0
"""Pixels between two layers, for the lines to bend in."""
LANE = 2.0
SWEEPS = 12

Edge = tuple[str, str]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Size:
    width: float
    height: float


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


Cell = tuple[str, bool]
"""A box, or (True) the lane of what leaves it."""
Layers = list[list[Cell]]


def layered(sizes: Mapping[str, Size], edges: Sequence[Edge], width: float) -> Layout:
    """The drawing of boxes of `sizes`, each edge from what comes first to what comes after it.

    It is `width` wide, or as wide as it must be where a single box and the lines beside it need more.
    """
    forward = _without_cycles(sizes, edges)
    layers = _fitting(sizes, forward, width)
    links = _links(layers, forward)
    layers = _ordered(layers, links)
    extent = max([width, *(_extent(layer, sizes) for layer in layers)])
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


def reduced(names: Sequence[str], edges: Sequence[Edge]) -> list[Edge]:
    """`edges` without those that others imply, and without those that close a circle."""
    forward = _without_cycles(dict.fromkeys(names), edges)
    after: dict[str, set[str]] = {name: set() for name in names}
    for start, end in forward:
        after[start].add(end)
    reach: dict[str, set[str]] = {}
    for name in reversed(_in_order(names, forward)):
        reach[name] = set(after[name]).union(*(reach[one] for one in after[name]))
    return [edge for edge in forward if not any(edge[1] in reach[one] for one in after[edge[0]] - {edge[1]})]


def _without_cycles(names: Mapping[str, object], edges: Sequence[Edge]) -> list[Edge]:
    """Each edge once, but for those that lead back to where a walk along the others came from."""
    after: dict[str, list[str]] = {name: [] for name in names}
    for start, end in dict.fromkeys(edges):
        after[start].append(end)
    back: set[Edge] = {(name, name) for name in names}
    state: dict[str, str] = {}
    for name in names:
        walk = [(name, iter(after[name]))] if name not in state else []
        state.setdefault(name, "open")
        while walk:
            at, rest = walk[-1]
            following = next(rest, None)
            if following is None:
                state[at] = "closed"
                walk.pop()
            elif state.get(following) == "open":
                back.add((at, following))
            elif following not in state:
                state[following] = "open"
                walk.append((following, iter(after[following])))
    return [edge for edge in dict.fromkeys(edges) if edge not in back]


def _in_order(names: Sequence[str] | Mapping[str, object], edges: Sequence[Edge]) -> list[str]:
    """`names`, each after those that it comes after."""
    waits = {name: [start for start, end in edges if end == name] for name in names}
    order: dict[str, None] = {}
    while len(order) < len(waits):
        order |= dict.fromkeys(name for name in waits if name not in order and all(one in order for one in waits[name]))
    return list(order)


def _fitting(sizes: Mapping[str, Size], edges: Sequence[Edge], width: float) -> Layers:
    """Layers that are no wider than `width` with the lanes that run through them, or else one box in each."""
    room, least = width, max((size.width for size in sizes.values()), default=0.0)
    while True:
        layers = _with_lanes(_layers(sizes, edges, room), edges)
        if room <= least or all(_extent(layer, sizes) <= width for layer in layers):
            return layers
        room -= BESIDE


def _layers(sizes: Mapping[str, Size], edges: Sequence[Edge], room: float) -> list[list[str]]:
    """Boxes in layers of at most `room`, each in the first that it fits into below all that it comes after."""
    ranks: dict[str, int] = {}
    taken: list[float] = []
    layers: list[list[str]] = []
    for name in _in_order(sizes, edges):
        rank = max((ranks[start] + 1 for start, end in edges if end == name), default=0)
        need = sizes[name].width + BESIDE
        while rank < len(layers) and taken[rank] + need > room + BESIDE:
            rank += 1
        if rank == len(layers):
            layers.append([])
            taken.append(0.0)
        layers[rank].append(name)
        taken[rank] += need
        ranks[name] = rank
    return layers


def _with_lanes(boxes: list[list[str]], edges: Sequence[Edge]) -> Layers:
    layers: Layers = [[(name, False) for name in layer] for layer in boxes]
    ranks = _ranks(layers)
    for name, rank in ranks.items():
        last = max((ranks[end] for start, end in edges if start == name), default=rank)
        for layer in layers[rank + 1 : last]:
            layer.append((name, True))
    return layers


def _ranks(layers: Layers) -> dict[str, int]:
    return {name: rank for rank, layer in enumerate(layers) for name, lane in layer if not lane}


def _width(cell: Cell, sizes: Mapping[str, Size]) -> float:
    return LANE if cell[1] else sizes[cell[0]].width


def _extent(layer: list[Cell], sizes: Mapping[str, Size]) -> float:
    return sum(_width(cell, sizes) for cell in layer) + BESIDE * (len(layer) - 1)


Links = list[list[tuple[Cell, Cell]]]
"""For each layer but the last, which of its cells a line connects with which of the next."""


def _links(layers: Layers, edges: Sequence[Edge]) -> Links:
    ranks, found = _ranks(layers), []
    for rank, (upper, lower) in enumerate(pairwise(layers)):
        pairs: list[tuple[Cell, Cell]] = []
        for cell in upper:
            ends = {end for start, end in edges if start == cell[0] and ranks[end] == rank + 1}
            pairs += [
                (cell, below) for below in lower if below == (cell[0], True) or below in {(e, False) for e in ends}
            ]
        found.append(pairs)
    return found


def _ordered(layers: Layers, links: Links) -> Layers:
    """Each layer in an order in which few lines cross: cells go to where those that they are linked with are."""
    best, least = layers, _crossings(layers, links)
    current = layers
    for sweep in range(SWEEPS):
        current = _swept(current, links, downwards=sweep % 2 == 0)
        crossings = _crossings(current, links)
        if crossings < least:
            best, least = current, crossings
    return best


def _swept(layers: Layers, links: Links, *, downwards: bool) -> Layers:
    made = [list(layer) for layer in layers]
    ranks = range(1, len(made)) if downwards else range(len(made) - 2, -1, -1)
    for rank in ranks:
        pairs = links[rank - 1] if downwards else [(lower, upper) for upper, lower in links[rank]]
        fixed = made[rank - 1 if downwards else rank + 1]
        at = {cell: (place + 0.5) / len(fixed) for place, cell in enumerate(fixed)}
        own = {cell: (place + 0.5) / len(made[rank]) for place, cell in enumerate(made[rank])}
        linked = {cell: [at[other] for other, one in pairs if one == cell] or [own[cell]] for cell in made[rank]}
        made[rank].sort(key=lambda cell, linked=linked: sum(linked[cell]) / len(linked[cell]))
    return made


def _crossings(layers: Layers, links: Links) -> int:
    count = 0
    for upper, lower, pairs in zip(layers, layers[1:], links, strict=False):
        above = {cell: place for place, cell in enumerate(upper)}
        below = {cell: place for place, cell in enumerate(lower)}
        ends = sorted((above[one], below[other]) for one, other in pairs)
        count += sum(later[1] < one[1] for place, one in enumerate(ends) for later in ends[place + 1 :])
    return count


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
        start = (width - _extent(layer, sizes)) / 2
        for cell in layer:
            found[rank, cell] = start + _width(cell, sizes) / 2
            start += _width(cell, sizes) + BESIDE
    for sweep in range(SWEEPS):
        for rank in range(len(layers)) if sweep % 2 == 0 else reversed(range(len(layers))):
            keys = [(rank, cell) for cell in layers[rank]]
            wanted = [_mean([found[one] for one in near.get(key, [key])]) for key in keys]
            widths = [_width(cell, sizes) for cell in layers[rank]]
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
    ranks = _ranks(layers)
    for start, end in edges:
        first, last = ranks[start], ranks[end]
        points = [(places[start].middle, places[start].bottom), (places[start].middle, rows[first].bottom)]
        for rank in range(first + 1, last):
            lane = middles[rank, (start, True)]
            points += [(lane, rows[rank].top), (lane, rows[rank].bottom)]
        points.append((places[end].middle, places[end].y))
        yield Route(start, end, tuple(points))
