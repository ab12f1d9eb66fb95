"""The parts of the page, each from a part of the plan. What is a number comes from `plan_words`, as on a terminal."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element

from workloads.programs.elements import Child, element

from .. import plan_words
from .architecture import OWN, Architecture, architecture
from .blocks import Node
from .drawing import pictures
from .graph import reduced

if TYPE_CHECKING:
    from ..critical_path import CriticalPath, Link
    from ..plan import Plan, PlannedResource, PlannedStep
    from ..receipt import Receipt


def top(plan: "Plan") -> Element:
    """What the plan is of, its main numbers, and what to look after first."""
    warnings = [element("p", element("b", "warning: "), text, class_="warning") for text in plan.warnings]
    return element(
        "header",
        element("h1", plan.recipe),
        element("p", f"{plan.summary}. Stack {plan.stack}, platform {plan.platform}.", class_="summary"),
        element(
            "dl",
            [element("div", element("dt", name), element("dd", value)) for name, value in _figures(plan)],
            class_="figures",
        ),
        warnings,
    )


def _figures(plan: "Plan") -> Iterator[tuple[str, str]]:
    yield "steps at work", plan_words.span(plan.minutes)
    if plan.receipt:
        receipt = plan.receipt
        yield "a run in all", _dollars(receipt.run.total)
        yield "an hour while training", _dollars(receipt.training)
        yield "an hour scaled down", _dollars(receipt.scaled_down)
        yield "a month if forgotten", _dollars(receipt.month)
    else:
        yield "a run's machines", _dollars(plan.dollars)
    if plan.critical_path:
        yield "first container after", f"{plan.critical_path.container.minutes:.1f} min"


def _dollars(value: float | None) -> str:
    return plan_words.money(value) if value is None else f"${plan_words.money(value)}"


def steps(plan: "Plan") -> list[Element]:
    names = {step.name for step in plan.steps}
    edges = [(needed, step.name) for step in plan.steps for needed in step.needs if needed in names]
    nodes = [_step_node(step) for step in plan.steps]
    rows = [_step_row(step) for step in plan.steps]
    whole = element(
        "tr", _cells("in all", "", "", "", f"{plan.minutes:.1f}", plan_words.money(plan.dollars)), class_="sum"
    )
    head = element("tr", _cells("step", "hash", "launcher", "on", "minutes", "dollars", kind="th"))
    drawn = pictures(nodes, reduced([node.key for node in nodes], edges), "The steps, each below those that it needs")
    beside = element("div", _table(head, [*rows, whole]), _caption(plan_words.steps_caption(plan)))
    return [element("div", drawn, beside, class_="beside")]


def _step_node(step: "PlannedStep") -> Node:
    takes = f"{plan_words.span(step.minutes)}, {_dollars(step.dollars)}"
    state = plan_words.state(step)
    notes = (step.hash, plan_words.machines(step), takes, *([state] if state else []))
    return Node(step.name, step.name, notes, state.replace(" ", "-") or "to-run")


def _step_row(step: "PlannedStep") -> Element:
    state = plan_words.state(step)
    name = f"{step.name} ({state})" if state else step.name
    cells = (step.hash, step.launcher, plan_words.machines(step), f"{step.minutes:.1f}", plan_words.money(step.dollars))
    return element("tr", _cells(name, *cells), class_="" if step.chosen else "left-out")


def path(critical: "CriticalPath") -> list[Element]:
    """The chain as a Gantt chart, and when what is there."""
    links = plan_words.links(critical)
    bars = [_bar(link, critical.container.minutes) for link in links]
    sums = [element("tr", _cells(what, minutes)) for minutes, what in plan_words.path_sums(critical)]
    head = element("tr", _cells("from nothing", "minutes", kind="th"))
    return [element("ol", bars, class_="gantt"), *_table(head, sums), _caption(plan_words.PATH_CAPTION)]


def _bar(link: "Link", whole: float) -> Element:
    begins, long = link.began / whole * 100, link.minutes / whole * 100
    name = element("span", link.name, class_="name")
    when = element("span", f"{link.minutes:.1f} min after {link.began:.1f}", class_="when")
    bar = element("span", class_="bar", style=f"margin-left:{begins:.2f}%;width:{long:.2f}%")
    return element("li", name, when, element("span", bar, class_="track"), title=f"{link.name}: {link.source}")


def costs(receipt: "Receipt") -> list[Element]:
    head = element("tr", _cells(plan_words.COSTS_COLUMN, "", kind="th"))
    rows = [element("tr", _cells(row.what, row.dollars), class_=row.level) for row in plan_words.costs(receipt)]
    return [*_table(head, rows), *(_caption(note) for note in plan_words.costs_notes(receipt))]


def resources(made: Sequence["PlannedResource"]) -> list[Element]:
    """The picture of the components, and all resources below it, component by component."""
    graph = architecture(made)
    title = "Components, each below what is made before it"
    names = {one.urn: one.name for one in made}
    listed = [_component(one, graph, names) for one in graph.children[""]]
    words = "Each box is made after those that a line comes down from. Lines that others imply are left out."
    return [_caption(words), *pictures(graph.nodes, graph.edges, title), element("div", listed, class_="listed")]


def _component(one: "PlannedResource", graph: Architecture, names: Mapping[str, str]) -> Element:
    waits = ", ".join(names[urn] for urn in graph.waits[one.urn])
    after = [element("p", f"after {waits}")] if waits else []
    return element("details", element("summary", _name(one)), after, _inside(one, graph))


def _inside(one: "PlannedResource", graph: Architecture) -> list[Element]:
    within = graph.children.get(one.urn, ())
    return [element("ul", [element("li", _name(child), _inside(child, graph)) for child in within])] if within else []


def _name(one: "PlannedResource") -> list[Child]:
    kind = one.type.rpartition(":")[2] if one.type.startswith(OWN) else one.type
    return [element("b", one.name), " ", element("code", kind)]


def outputs(values: Mapping[str, Any]) -> list[Element]:
    return [
        element(
            "dl", [element("div", element("dt", name), element("dd", _value(value))) for name, value in values.items()]
        )
    ]


def _value(value: Any) -> Element:
    if isinstance(value, Mapping):
        return element("ul", [element("li", f"{name}: ", _value(one)) for name, one in sorted(value.items())])
    return element("code", str(value))


def _cells(*texts: str, kind: str = "td") -> list[Element]:
    return [element(kind, text) for text in texts]


def _table(head: Element, rows: Sequence[Element]) -> list[Element]:
    return [element("div", element("table", element("thead", head), element("tbody", rows)), class_="scrolls")]


def _caption(text: str) -> Element:
    return element("p", text, class_="caption")
