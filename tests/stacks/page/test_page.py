"""The page: all of a plan is on it, in the plan's own numbers, and nothing that a browser would have to fetch."""

import importlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import pytest
import typer
from rich.console import Console

from stacks import plan_words
from stacks.page import page
from stacks.page.architecture import architecture
from stacks.page.drawing import SCREENS, Screen, arranged
from stacks.plan import Plan, PlannedResource, make_plan
from tests.conftest import PROJECT
from tests.stacks.page.test_layout import check, fits
from workloads.programs import folders

command = importlib.import_module("stacks.commands.plan")
"""The module: `stacks.commands` calls the function by the same name."""

NASTY = "<script>alert('x')</script>\"&'<b>"


@cache
def plan(stack: str = "dev") -> Plan:
    return make_plan(stack)


class Reader(HTMLParser):
    """What a browser would make of a page: its elements with their attributes, and its words."""

    def __init__(self, text: str):
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def numbers(text: str) -> set[str]:
    return set(re.findall(r"\d+\.\d+", text))


def printed(made: Plan) -> str:
    written = StringIO()
    command.show(made, Console(file=written, width=300))
    return written.getvalue()


@pytest.mark.parametrize("stack", ["dev", "local"])
def test_every_number_that_plan_prints_is_on_the_page(stack: str) -> None:
    words = " ".join(Reader(page(plan(stack))).words)
    missing = numbers(printed(plan(stack))) - numbers(words)
    assert not missing


@pytest.mark.parametrize("stack", ["dev", "local"])
def test_every_resource_step_output_and_warning_is_on_the_page(stack: str) -> None:
    made = plan(stack)
    words = Reader(page(made)).words
    assert {one.name for one in made.resources} <= set(words)
    assert {step.hash for step in made.steps} <= set(words)
    assert set(made.outputs) <= set(words)
    assert set(made.warnings) <= set(words)


def test_the_page_needs_nothing_from_elsewhere() -> None:
    elements = Reader(page(plan())).elements
    assert {"script", "link", "img", "iframe", "object", "base"}.isdisjoint(name for name, _ in elements)
    for _, attributes in elements:
        assert {"src", "href", "srcset", "action"}.isdisjoint(attributes)
        assert not [key for key in attributes if key.startswith("on")]
    assert "@import" not in page(plan())
    assert "url(" not in page(plan())


def test_what_a_user_or_a_cloud_called_something_is_never_markup() -> None:
    made = plan()
    first = replace(made.resources[0], name=NASTY)
    nasty = replace(
        made,
        recipe=NASTY,
        summary=NASTY,
        stack=NASTY,
        resources=(first, *made.resources[1:]),
        outputs={NASTY: {NASTY: NASTY}},
        warnings=(NASTY,),
        steps=tuple(replace(step, name=f"{step.name}{NASTY}", needs=()) for step in made.steps),
    )
    read = Reader(page(nasty))
    assert not [name for name, _ in read.elements if name == "script"]
    assert sum(NASTY in word for word in read.words) >= 7
    assert not [attributes for _, attributes in read.elements if "alert" in attributes]


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.name)
@pytest.mark.parametrize("stack", ["dev", "local"])
def test_every_component_is_drawn_once_and_where_its_parts_are(stack: str, screen: Screen) -> None:
    made = plan(stack)
    graph = architecture(made.resources)
    layout, boxes = arranged(graph.nodes, graph.edges, screen)
    parents = {one.parent for one in made.resources}
    known = {one.urn for one in made.resources}
    components = {one.urn for one in made.resources if one.type.startswith("trainyard:")}
    outermost = {one.urn for one in made.resources if one.parent not in known}
    assert sorted(one.node.key for one in boxes) == sorted(components | outermost)
    assert components <= parents
    check(layout, outermost)
    fits(boxes)


def test_the_pictures_of_the_dev_stack_are_no_wider_than_their_screens() -> None:
    graph = architecture(plan().resources)
    for screen in SCREENS:
        assert arranged(graph.nodes, graph.edges, screen)[0].width <= screen.width


def test_lines_say_what_is_made_after_what() -> None:
    graph = architecture(plan().resources)
    names = {one.urn: one.name for one in plan().resources}
    drawn = {(names[start], names[end]) for start, end in graph.edges}
    assert {("network", "cluster"), ("network", "files"), ("pools", "namespace")} <= drawn
    assert not {("cluster", "files"), ("files", "cluster"), ("network", "run")} & drawn
    assert "network" in {names[urn] for urn in graph.waits[next(urn for urn in names if names[urn] == "cluster")]}


def test_components_that_wait_for_one_another_are_drawn_all_the_same() -> None:
    """As when a part of one comes after a part of the other, and the other way round."""
    both = [PlannedResource(f"u::s::{name}::{name}", f"trainyard:components:{name}", name, "", ()) for name in "AB"]
    parts = [
        PlannedResource("a1", "aws:x:X", "a1", both[0].urn, ("b1",)),
        PlannedResource("b1", "aws:x:X", "b1", both[1].urn, ()),
        PlannedResource("b2", "aws:x:X", "b2", both[1].urn, ("a1",)),
    ]
    graph = architecture([*both, *parts])
    assert len(graph.edges) == 1
    assert len(arranged(graph.nodes, graph.edges, SCREENS[0])[1]) == 2


def test_the_order_in_which_resources_were_registered_makes_no_difference() -> None:
    made = plan()
    assert page(replace(made, resources=made.resources[::-1])) == page(made)


def test_steps_that_are_done_are_shown_as_done(tmp_path: Path) -> None:
    for name in ("Pulumi.yaml", "Pulumi.local.yaml"):
        (tmp_path / name).write_text((PROJECT / name).read_text())
    before = make_plan("local", tmp_path)
    assert {step.done for step in before.steps} == {False}
    first = before.steps[0]
    folder = tmp_path / "shared" / "runs" / before.recipe / f"{first.name}-{first.hash}"
    folder.mkdir(parents=True)
    folders.mark_done(folder)
    after = make_plan("local", tmp_path)
    assert [step.name for step in after.steps if step.done] == [first.name]
    assert f"{first.name} (done before)" in Reader(page(after)).words
    assert f"{first.name} (done before)" in printed(after)


def test_what_is_done_in_a_cluster_is_not_known_here() -> None:
    assert {step.done for step in plan().steps} == {None}


def test_a_page_of_a_plan_without_prices_says_so() -> None:
    made = replace(plan(), dollars=None)
    assert "not listed" in Reader(page(made)).words


# the command


def test_html_is_written_whole_and_beside_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "plan.html"
    command.plan("local", as_json=True, page_file=file)
    assert json.loads(capsys.readouterr().out)["stack"] == "local"
    assert file.read_text().startswith("<!doctype html>")
    assert os.listdir(tmp_path) == ["plan.html"]


def unwritable(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "file").write_text("")
    yield tmp_path / "missing" / "plan.html"
    yield tmp_path / "file" / "plan.html"
    yield tmp_path


def test_a_file_that_cannot_be_written_is_told_without_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in unwritable(tmp_path):
        with pytest.raises(typer.Exit) as ended:
            command.plan("local", page_file=file)
        assert ended.value.exit_code == 2
        told = capsys.readouterr().err
        assert f"--html {file}: cannot be written" in told
        assert "Traceback" not in told


@pytest.mark.parametrize(
    ("minutes", "said"), [(0.1, "0.1 min"), (119.0, "119.0 min"), (120.0, "2.0 h"), (4161, "69.3 h")]
)
def test_long_times_are_told_in_hours(minutes: float, said: str) -> None:
    assert plan_words.span(minutes) == said
