"""`trainyard card`: what a run was and what came of it, from the card that it left; one, or two compared."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from .errors import told

if TYPE_CHECKING:
    from ..cards import Difference

app = typer.Typer(help="Show the card that a run left, or compare two.", no_args_is_help=True)

DIFFERENT = 1
Place = Annotated[Path, typer.Argument(help="A run-card.json, or a folder with one.")]


@app.command()
def show(place: Place) -> None:
    """Show a run card: results, steps, data, versions and parameters."""
    from workloads.programs import card

    with told():
        found = card.read(place)
    console = Console()
    console.print(f"[bold]{found['recipe']}[/bold] on platform [bold]{found['platform']}[/bold]")
    for table in (_results(found), _steps(found), _inputs(found)):
        console.print(table)


@app.command()
def diff(left: Place, right: Place) -> None:
    """Compare two run cards: config, data, versions, and results with their relative change.

    Exit status 0 when both runs were asked for the same (config, data, versions), whatever came of it; 1 when they were
    not; 2 when one of the two is no run card.
    """
    from workloads.programs import card

    from ..cards import asked_alike, differences

    with told():
        found = differences(card.read(left), card.read(right))
    _compare(found, left, right, Console())
    if not asked_alike(found):
        raise typer.Exit(DIFFERENT)


def _table(title: str, *columns: str, right: int = 0) -> Table:
    """A table, of whose columns the last `right` stand to the right."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, show_header=any(columns))
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place >= len(columns) - right else "left", overflow="fold")
    return table


def _results(card: dict[str, Any]) -> Table:
    table = _table("Results", "", "", right=1)
    for models in card["tests"].values():
        for label, measures in models.items():
            for name, value in measures.items():
                table.add_row(f"{name.replace('_', ' ')}, {label}", _told(value))
    for name, training in card["trainings"].items():
        first, last = training["held_out_first"], training["held_out_last"]
        table.add_row(f"held-out loss, {name}", "not known" if last is None else f"{first:.3f} → {last:.3f}")
        table.add_row(f"tokens a second, {name}", _told(training["tokens_per_second"]["typical"]))
        mfu = training["mfu"]
        lacks = f"not known, for want of: {', '.join(mfu['unknown'])}"
        table.add_row(f"MFU, {name}", lacks if mfu["value"] is None else f"{mfu['value']:.1%}")
    for name, value in (card["compile"] or {}).items():
        table.add_row(f"compile: {name.replace('_', ' ')}", _told(value))
    table.add_row("dollars", _told(card["price"]["dollars"]))
    return table


def _steps(card: dict[str, Any]) -> Table:
    table = _table("Steps", "step", "what came of it", "machine", "seconds", "resumes", "dollars", right=3)
    for step in card["steps"]:
        came = step["result"] or ("done" if step["done"] else f"not done: the folder {step['problem']}")
        machine = f"{step['nodes']} × {step['machine']}" if step["machine"] else "not known"
        numbers = (_told(step[key]) for key in ("seconds", "resumes", "dollars"))
        table.add_row(step["name"], came, machine, *numbers)
    return table


def _inputs(card: dict[str, Any]) -> Table:
    table = _table("What it was made from", "", "")
    table.add_row("data", card["data"]["fingerprint"] or f"no fingerprint: the step {card['data']['step']} left none")
    for name, image in card["images"].items():
        table.add_row(f"image {name}", image["reference"])
    for name, value in {**card["versions"], **card["config"], **card["parameters"]}.items():
        table.add_row(name, _told(value))
    return table


def _compare(found: list["Difference"], left: Path, right: Path, console: Console) -> None:
    if not found:
        console.print("The two cards tell the same.")
    for section in dict.fromkeys(one.section for one in found):
        table = _table(section.capitalize(), "", str(left), str(right), "change", right=1)
        for one in found:
            if one.section == section:
                change = "" if one.change is None else f"{one.change:+.1%}"
                table.add_row(one.name, _told(one.left), _told(one.right), change)
        console.print(table)


def _told(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.1f}" if abs(value) >= 100 else f"{value:.4g}"
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
