"""Which layer of a drawing each box stands in, where the lanes run, and what stands beside what in a layer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from .graph import Edge, in_order

BESIDE = 14.0
"""Pixels between two boxes of a layer, or a box and a lane."""
LANE = 2.0
SWEEPS = 12


@dataclass(frozen=True, slots=True)
class Size:
    width: float
    height: float


Cell = tuple[str, bool]
"""A box, or (True) the lane of what leaves it."""
Layers = list[list[Cell]]
Links = list[list[tuple[Cell, Cell]]]
"""For each layer but the last, which of its cells a line connects with which of the next."""


def fitting(sizes: Mapping[str, Size], edges: Sequence[Edge], width: float) -> Layers:
    """Layers that are no wider than `width` with the lanes that run through them, or else one box in each."""
    room, least = width, max((size.width for size in sizes.values()), default=0.0)
    while True:
        layers = _with_lanes(_layers(sizes, edges, room), edges)
        if room <= least or all(extent_of(layer, sizes) <= width for layer in layers):
            return layers
        room -= BESIDE


def _layers(sizes: Mapping[str, Size], edges: Sequence[Edge], room: float) -> list[list[str]]:
    """Boxes in layers of at most `room`, each in the first that it fits into below all that it comes after."""
    ranks: dict[str, int] = {}
    taken: list[float] = []
    layers: list[list[str]] = []
    for name in in_order(sizes, edges):
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
    ranks = ranks_of(layers)
    for name, rank in ranks.items():
        last = max((ranks[end] for start, end in edges if start == name), default=rank)
        for layer in layers[rank + 1 : last]:
            layer.append((name, True))
    return layers


def ranks_of(layers: Layers) -> dict[str, int]:
    return {name: rank for rank, layer in enumerate(layers) for name, lane in layer if not lane}


def width_of(cell: Cell, sizes: Mapping[str, Size]) -> float:
    return LANE if cell[1] else sizes[cell[0]].width


def extent_of(layer: list[Cell], sizes: Mapping[str, Size]) -> float:
    return sum(width_of(cell, sizes) for cell in layer) + BESIDE * (len(layer) - 1)


def links_of(layers: Layers, edges: Sequence[Edge]) -> Links:
    ranks, found = ranks_of(layers), []
    for rank, (upper, lower) in enumerate(pairwise(layers)):
        pairs: list[tuple[Cell, Cell]] = []
        for cell in upper:
            ends = {end for start, end in edges if start == cell[0] and ranks[end] == rank + 1}
            pairs += [
                (cell, below) for below in lower if below == (cell[0], True) or below in {(e, False) for e in ends}
            ]
        found.append(pairs)
    return found


def ordered(layers: Layers, links: Links) -> Layers:
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
