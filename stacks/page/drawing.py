"""A graph as a picture (SVG), once for wide screens and once for narrow ones."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from xml.etree.ElementTree import Element

from workloads.programs.elements import element

from .blocks import Block, Drawn, Node, block, drawn
from .graph import Edge
from .layout import Layout, Point, layered

MARGIN = 4.0
ARROW = 5.0


@dataclass(frozen=True, slots=True)
class Screen:
    """Pixels that a picture may be wide, and characters of a box's lines."""

    name: str
    width: float
    characters: int


SCREENS = (Screen("wide", 1080, 26), Screen("narrow", 330, 15))


def pictures(nodes: Sequence[Node], edges: Sequence[Edge], title: str) -> list[Element]:
    """The same graph for each kind of screen; the page's style shows the one that fits."""
    return [element("div", picture(nodes, edges, screen, title), class_=f"picture {screen.name}") for screen in SCREENS]


def arranged(nodes: Sequence[Node], edges: Sequence[Edge], screen: Screen) -> tuple[Layout, list[Drawn]]:
    """Where everything of a graph goes: the layout of its boxes, and all boxes with what is in them."""
    blocks = {node.key: block(node, screen.characters) for node in nodes}
    layout = layered({key: one.size for key, one in blocks.items()}, edges, screen.width - 2 * MARGIN)
    return layout, [one for key, shape in blocks.items() for one in _placed(shape, layout, key)]


def _placed(shape: Block, layout: Layout, key: str) -> Iterable[Drawn]:
    place = layout.places[key]
    return drawn(shape, place.x, place.y, place.width)


def picture(nodes: Sequence[Node], edges: Sequence[Edge], screen: Screen, title: str) -> Element:
    layout, boxes = arranged(nodes, edges, screen)
    left, right = _reach(layout)
    width, height = right - left + 2 * MARGIN, layout.height + 2 * MARGIN
    lines = [element("path", d=_path(route.points), class_="edge") for route in layout.routes]
    heads = [element("path", d=_head(route.points[-1]), class_="head") for route in layout.routes]
    return element(
        "svg",
        element("title", title),
        element("g", lines, heads, map(_box, boxes), transform=f"translate({MARGIN - left:.1f} {MARGIN:g})"),
        viewBox=f"0 0 {width:.1f} {height:.1f}",
        width=f"{width:.1f}",
        role="img",
    )


def _reach(layout: Layout) -> tuple[float, float]:
    """From where to where anything is drawn: a small graph takes little of its screen."""
    lanes = [x for route in layout.routes for x, _ in route.points]
    sides = [side for place in layout.places.values() for side in (place.x, place.right)]
    return min([*lanes, *sides], default=0.0), max([*lanes, *sides], default=0.0)


def _path(points: Sequence[Point]) -> str:
    """By turns straight down and, between two layers, a bend."""
    words = [f"M{points[0][0]:.1f} {points[0][1]:.1f}"]
    for place, ((x, y), (to_x, to_y)) in enumerate(pairwise(points)):
        middle = (y + to_y) / 2
        bend = f"C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {to_y:.1f}"
        words.append(bend if place % 2 else f"L{to_x:.1f} {to_y:.1f}")
    return " ".join(words)


def _head(end: Point) -> str:
    x, y = end
    return (
        f"M{x - ARROW * 0.7:.1f} {y - ARROW * 1.4:.1f} L{x:.1f} {y:.1f} L{x + ARROW * 0.7:.1f} {y - ARROW * 1.4:.1f}Z"
    )


def _box(one: Drawn) -> Element:
    rectangle = element(
        "rect", x=f"{one.x:.1f}", y=f"{one.y:.1f}", width=f"{one.width:.1f}", height=f"{one.height:.1f}", rx=5
    )
    words = [element("text", line.text, x=f"{line.x:.1f}", y=f"{line.y:.1f}", class_=line.kind) for line in one.lines]
    return element(
        "g", rectangle, words, class_=f"box depth-{min(one.depth, 2)} {one.node.kind}".strip(), data_key=one.node.key
    )
