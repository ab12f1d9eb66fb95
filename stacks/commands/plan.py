"""`trainyard plan`: what a stack would do, before it costs anything."""

import dataclasses
import errno
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.tree import Tree

from workloads.programs import folders
from workloads.programs.errors import UserError, disk_full, is_disk_full

from .. import plan_words
from .errors import told
from .garbage import no_garbage

if TYPE_CHECKING:
    from ..critical_path import CriticalPath
    from ..plan import Plan, PlannedResource, PlannedStep
    from ..receipt import Receipt


def plan(
    stack: Annotated[str, typer.Option(help="Stack whose config to read: Pulumi.<stack>.yaml.")] = "dev",
    as_json: Annotated[bool, typer.Option("--json", help="Print the plan as JSON.")] = False,
    page_file: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write the plan as one page for a browser.")
    ] = None,
) -> None:
    """Show what `pulumi up` would do with a stack: resources, steps, what they cost, how long until it trains, outputs.

    It needs no Pulumi CLI, no AWS account and no cluster.
    """
    with told(), no_garbage():
        from ..plan import make_plan

        made = make_plan(stack)
        if page_file:
            _write(made, page_file)
    if as_json:
        print(json.dumps(dataclasses.asdict(made), indent=1))
    elif page_file:
        print(f"The plan of stack {stack} is in {page_file}.")
    else:
        show(made, Console())


def _write(plan: "Plan", file: Path) -> None:
    from ..page import page

    try:
        if file.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder")
        file = file.resolve()  # what a link leads to, never the link
        if file.exists() and not file.is_file():  # a device or a pipe, which cannot be replaced
            file.write_text(page(plan))
        else:
            folders.write_atomically(file, page(plan))
    except OSError as error:
        if is_disk_full(error):
            raise UserError(disk_full(file.parent)) from None
        raise UserError(
            f"--html {file}: cannot be written ({error.strerror}). Name a file in a folder that is there, and that you "
            "may write to."
        ) from None


def show(plan: "Plan", console: Console) -> None:
    console.print(f"[bold]{plan.recipe}[/bold] on platform [bold]{plan.platform}[/bold] (stack {plan.stack})")
    console.print(f"{plan.summary}.\n")
    console.print(_steps(plan))
    if plan.receipt:
        console.print(_costs(plan.receipt))
    if plan.critical_path:
        console.print(_path(plan.critical_path))
    if plan.resources:
        _unbroken(console, _resources(plan))
    for name, value in plan.outputs.items():
        console.print(f"output [bold]{name}[/bold]: {value}", soft_wrap=True)
    for warning in plan.warnings:
        console.print(f"\n[yellow]warning:[/yellow] {warning}", soft_wrap=True)


def _steps(plan: "Plan") -> Table:
    table = _table("Steps")
    table.add_column("step")  # in a narrow terminal this one gives way, and no number
    for column in ("hash", "launcher", "on"):
        table.add_column(column, no_wrap=True)
    table.add_column("minutes", justify="right", no_wrap=True)
    table.add_column("dollars", justify="right", no_wrap=True)
    for step in plan.steps:
        table.add_row(*_step(step), style=None if step.chosen else "dim")
    table.add_section()
    table.add_row("in all", "", "", "", f"{plan.minutes:.1f}", plan_words.money(plan.dollars))
    table.caption = plan_words.steps_caption(plan)
    return table


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", caption_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)


def _step(step: "PlannedStep") -> tuple[str, ...]:
    state = plan_words.state(step)
    name = f"{step.name} ({state})" if state else step.name
    machines, dollars = "\n".join(plan_words.each_machine(step)), plan_words.money(step.dollars)
    return name, step.hash, step.launcher, machines, f"{step.minutes:.1f}", dollars


def _costs(receipt: "Receipt") -> Table:
    table = _table(plan_words.COSTS_TITLE)
    table.add_column(plan_words.COSTS_COLUMN)
    table.add_column("", justify="right")
    before = ""
    for row in plan_words.costs(receipt):
        if before not in ("", row.level):
            table.add_section()
        before = row.level
        table.add_row(row.what, row.dollars, style="dim" if row.level == "detail" else None)
    table.caption = "\n".join(plan_words.costs_notes(receipt))
    return table


def _path(path: "CriticalPath") -> Table:
    table = _table(plan_words.PATH_TITLE)
    for column in ("after", "takes"):
        table.add_column(column, justify="right")
    table.add_column("minutes, typically")
    for link in plan_words.links(path):
        table.add_row(f"{link.began:.1f}", f"{link.minutes:.1f}", link.name)
    table.add_section()
    for minutes, what in plan_words.path_sums(path):
        table.add_row(minutes, "", what)
    table.caption = plan_words.PATH_CAPTION
    return table


def _resources(plan: "Plan") -> Tree:
    root = Tree(f"[bold]{len(plan.resources)} resources[/bold]")
    nodes: dict[str, Tree] = {}
    for one in plan.resources:
        nodes[one.urn] = nodes.get(one.parent, root).add(_label(one))
    return root


def _unbroken(console: Console, tree: Tree) -> None:
    """Prints `tree` with each resource on one line, however narrow the console is: names are there to be searched."""
    narrow, console.width = console.width, 300
    console.print(tree, soft_wrap=True)
    console.width = narrow


def _label(one: "PlannedResource") -> str:
    return f"{one.name} [dim]{one.type}[/dim]"
