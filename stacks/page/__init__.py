"""A plan as one page for a browser, whole in itself: no script, no font, no picture from elsewhere, no network."""

from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from workloads.programs.elements import document, element

from ..plan_words import COSTS_TITLE, PATH_TITLE
from . import sections

if TYPE_CHECKING:
    from ..plan import Plan


def page(plan: "Plan") -> str:
    """HTML. The same plan always makes the same text."""
    title = f"{plan.recipe} on {plan.platform}: the plan of stack {plan.stack}"
    return document(title, Path(__file__).with_name("style.css").read_text(), *_parts(plan))


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
    return element("section", element("h2", title), content, id=name)
