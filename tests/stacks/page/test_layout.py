"""Where boxes and lines go, for any graph: nothing lies on anything else, and no line runs through a box."""

from collections.abc import Iterable
from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stacks.page.blocks import Drawn, Node
from stacks.page.drawing import SCREENS, Screen, arranged
from stacks.page.graph import Edge, reduced
from stacks.page.layers import Size
from stacks.page.layout import Layout, Place, layered

NEAR = 0.01
"""Pixels that are none."""


@st.composite
def graphs(draw: st.DrawFn) -> tuple[dict[str, Size], list[Edge], float]:
    count = draw(st.integers(1, 24))
    names = [f"n{place}" for place in range(count)]
    sizes = {name: Size(draw(st.floats(20, 160)), draw(st.floats(20, 120))) for name in names}
    pick = st.sampled_from(names)
    return sizes, draw(st.lists(st.tuples(pick, pick), max_size=40)), draw(st.floats(100, 1200))


def overlap(one: Place | Drawn, other: Place | Drawn) -> bool:
    beside = one.x + one.width <= other.x + NEAR or other.x + other.width <= one.x + NEAR
    return not (beside or one.y + one.height <= other.y + NEAR or other.y + other.height <= one.y + NEAR)


def check(layout: Layout, names: Iterable[str]) -> None:
    assert layout.places.keys() == set(names)
    assert not [pair for pair in combinations(layout.places.values(), 2) if overlap(*pair)]
    for place in layout.places.values():
        assert place.x >= -NEAR
        assert place.right <= layout.width + NEAR
        assert 0 <= place.y <= place.bottom <= layout.height + NEAR
    for route in layout.routes:
        first, last = layout.places[route.start], layout.places[route.end]
        assert route.points[0] == (first.middle, first.bottom)
        assert route.points[-1] == (last.middle, last.y)
        assert all(0 <= x <= layout.width for x, _ in route.points)
        assert [y for _, y in route.points] == sorted(y for _, y in route.points)
        assert not [place for place in layout.places.values() if crosses(route.points, place)]


def crosses(points: tuple[tuple[float, float], ...], place: Place) -> bool:
    """Whether a line runs through a box; a stretch between two layers takes up all that is between its ends."""
    for (x, y), (to_x, to_y) in pairwise(points):
        beside = max(x, to_x) <= place.x + NEAR or place.right - NEAR <= min(x, to_x)
        if not beside and y < place.bottom - NEAR and place.y + NEAR < to_y:
            return True
    return False


@settings(max_examples=150, deadline=None)
@given(graphs())
def test_no_box_lies_on_another_and_every_line_ends_at_its_boxes_and_runs_through_none(
    graph: tuple[dict[str, Size], list[Edge], float],
) -> None:
    sizes, edges, width = graph
    check(layered(sizes, edges, width), sizes)


@settings(max_examples=100, deadline=None)
@given(graphs())
def test_whatever_comes_after_something_stands_below_it(graph: tuple[dict[str, Size], list[Edge], float]) -> None:
    sizes, edges, width = graph
    layout = layered(sizes, edges, width)
    drawn = {(route.start, route.end) for route in layout.routes}
    assert drawn <= set(edges)
    for start, end in drawn:
        assert layout.places[start].bottom < layout.places[end].y


@settings(max_examples=100, deadline=None)
@given(graphs())
def test_a_reduced_graph_reaches_from_where_to_where_the_whole_one_does(
    graph: tuple[dict[str, Size], list[Edge], float],
) -> None:
    sizes, edges, _ = graph
    whole = [(route.start, route.end) for route in layered(sizes, edges, 1000).routes]
    few = reduced(list(sizes), whole)
    assert reach(few) == reach(whole)
    for edge in few:
        assert reach([one for one in few if one != edge]) != reach(whole)


def reach(edges: list[Edge]) -> set[Edge]:
    found = set(edges)
    while more := {(a, d) for a, b in found for c, d in edges if b == c} - found:
        found |= more
    return found


def test_a_drawing_keeps_to_the_width_it_is_given_if_each_box_and_what_runs_beside_it_does() -> None:
    sizes = {f"n{place}": Size(100, 30) for place in range(12)}
    assert layered(sizes, [], 350).width == 350
    assert layered(sizes, [("n0", name) for name in sizes], 350).width == 350
    assert layered(sizes, [], 50).width == 100


def test_nothing_to_draw_is_an_empty_drawing() -> None:
    layout = layered({}, [], 300)
    assert (layout.places, layout.routes, layout.height) == ({}, (), 0)


def test_the_same_graph_is_always_drawn_the_same() -> None:
    sizes = {name: Size(60, 30) for name in "abcdef"}
    edges = [("a", "d"), ("b", "c"), ("a", "f"), ("c", "f"), ("b", "e")]
    assert layered(sizes, edges, 200) == layered(sizes, list(edges), 200)


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.name)
def test_words_fit_their_boxes_and_boxes_the_box_that_they_are_in(screen: Screen) -> None:
    inner = tuple(Node(f"i{place}", "x" * (place * 9 + 1), ("a note " * place,)) for place in range(4))
    nodes = [
        Node("a", "a-name-that-has-parts-and-goes-on-for-long", ("note",), inner=inner),
        Node("b", "b"),
        Node("c", "w" * 300, ("m" * 300,)),
        Node("d", "", ()),
    ]
    fits(arranged(nodes, [("a", "b"), ("a", "c")], screen)[1])


def fits(boxes: list[Drawn]) -> None:
    for one in boxes:
        for line in one.lines:
            assert line.x - line.width / 2 >= one.x
            assert line.x + line.width / 2 <= one.x + one.width
            assert one.y < line.y < one.y + one.height
    parents: list[Drawn] = []
    for one in boxes:
        parents = [*parents[: one.depth], one]
        if one.depth:
            around = parents[one.depth - 1]
            assert around.x <= one.x
            assert one.x + one.width <= around.x + around.width
            assert max(line.y for line in around.lines) < one.y
            assert one.y + one.height <= around.y + around.height
    for pair in combinations(boxes, 2):
        if pair[0].depth == pair[1].depth:
            assert not overlap(*pair)
