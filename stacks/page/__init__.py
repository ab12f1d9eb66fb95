"""A plan as one page for a browser, whole in itself: no script, no font, no picture from elsewhere, no network."""

from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from ..plan_words import COSTS_TITLE, PATH_TITLE
from . import sections
from .elements import document, tag

if TYPE_CHECKING:
    from ..plan import Plan

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""What a browser may load for the page: nothing but the style that is in it."""


def page(plan: "Plan") -> str:
    """HTML. The same plan always makes the same text."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{plan.recipe} on {plan.platform}: the plan of stack {plan.stack}"),
        tag("style", Path(__file__).with_name("style.css").read_text()),
    )
    return document(tag("html", head, tag("body", tag("main", _parts(plan))), lang="en"))


def _parts(plan: "Plan") -> list[Element]:
    made = [sections.top(plan), _section("steps", "Steps", sections.steps(plan))]
    if plan.critical_path:
        made.append(_section("way", PATH_TITLE, sections.path(plan.critical_path)))
    if plan.receipt:
        made.append(_section("costs", COSTS_TITLE, sections.costs(plan.receipt)))
    if plan.resources:
        made.append(_section("architecture", f"{len(plan.resources)} resources", sections.resources(plan.resources)))
    if plan.outputs:
        made.append(_section("outputs", "Outputs", sections.outputs(plan.outputs)))
    return made


def _section(name: str, title: str, content: list[Element]) -> Element:
    return tag("section", tag("h2", title), content, id=name)
