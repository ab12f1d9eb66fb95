"""What comes after what, as edges between names: in order, without circles, and without what goes without saying."""

from collections.abc import Mapping, Sequence

Edge = tuple[str, str]
"""What comes first, and what comes after it."""


def reduced(names: Sequence[str], edges: Sequence[Edge]) -> list[Edge]:
    """`edges` without those that others imply, and without those that close a circle."""
    forward = without_cycles(dict.fromkeys(names), edges)
    after: dict[str, set[str]] = {name: set() for name in names}
    for start, end in forward:
        after[start].add(end)
    reach: dict[str, set[str]] = {}
    for name in reversed(in_order(names, forward)):
        reach[name] = set(after[name]).union(*(reach[one] for one in after[name]))
    return [edge for edge in forward if not any(edge[1] in reach[one] for one in after[edge[0]] - {edge[1]})]


def without_cycles(names: Mapping[str, object], edges: Sequence[Edge]) -> list[Edge]:
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


def in_order(names: Sequence[str] | Mapping[str, object], edges: Sequence[Edge]) -> list[str]:
    """`names`, each after those that it comes after."""
    waits = {name: [start for start, end in edges if end == name] for name in names}
    order: dict[str, None] = {}
    while len(order) < len(waits):
        order |= dict.fromkeys(name for name in waits if name not in order and all(one in order for one in waits[name]))
    return list(order)
