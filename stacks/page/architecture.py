"""The graph of a stack's components, as it is drawn: boxes within boxes, and what is made after what."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .blocks import Node
from .graph import Edge, reduced

if TYPE_CHECKING:
    from ..plan import PlannedResource

OWN = "trainyard:"
"""How the types of components begin."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """`nodes` are what belongs to nothing else. `edges` go from what is made first to what is made after it, without
    those that others imply; `waits` has them all, by what comes after."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    waits: Mapping[str, tuple[str, ...]]
    children: Mapping[str, Sequence["PlannedResource"]]


def architecture(resources: Sequence["PlannedResource"]) -> Architecture:
    """Of any recording, whatever the order in which its resources were registered."""
    in_order = sorted(resources, key=lambda one: (one.name, one.urn))
    known = {one.urn: one for one in in_order}
    children: dict[str, list[PlannedResource]] = defaultdict(list)
    for one in in_order:
        children[one.parent if one.parent in known else ""].append(one)
    outermost = {one.urn: _outermost(one, known) for one in in_order}
    pairs = {(outermost[urn], outermost[one.urn]) for one in in_order for urn in one.after if urn in known}
    edges = sorted(edge for edge in pairs if edge[0] != edge[1])
    names = [one.urn for one in children[""]]
    waits = {name: tuple(start for start, end in edges if end == name) for name in names}
    nodes = tuple(_node(one, "", children) for one in children[""])
    return Architecture(nodes, tuple(reduced(names, edges)), waits, dict(children))


def _outermost(one: "PlannedResource", known: Mapping[str, "PlannedResource"]) -> str:
    while one.parent in known:
        one = known[one.parent]
    return one.urn


def _node(one: "PlannedResource", outer: str, children: Mapping[str, Sequence["PlannedResource"]]) -> Node:
    """A box. What is within it and holds nothing itself is counted, and not drawn."""
    within = [_node(child, one.name, children) for child in children.get(one.urn, ()) if child.type.startswith(OWN)]
    count = len(everything(one.urn, children))
    kind = one.type.rpartition(":")[2]
    notes = (kind, f"{count} resource{'s' if count != 1 else ''}") if count else (kind,)
    return Node(one.urn, one.name.removeprefix(f"{outer}-"), notes, "" if count else "single", tuple(within))


def everything(urn: str, children: Mapping[str, Sequence["PlannedResource"]]) -> list["PlannedResource"]:
    """All resources below `urn`, at any depth, that are no components."""
    found: list[PlannedResource] = []
    for one in children.get(urn, ()):
        found += everything(one.urn, children) if one.type.startswith(OWN) else [one, *everything(one.urn, children)]
    return found
