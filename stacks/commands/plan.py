"""`trainyard plan`: what a stack would do, before it costs anything."""

import dataclasses
import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.tree import Tree

from .errors import told
from .garbage import no_garbage

if TYPE_CHECKING:
    from ..critical_path import CriticalPath
    from ..plan import Plan, PlannedResource, PlannedStep
    from ..receipt import Receipt


def plan(
    stack: Annotated[str, typer.Option(help="Stack whose config to read: Pulumi.<stack>.yaml.")] = "dev",
    as_json: Annotated[bool, typer.Option("--json", help="Print the plan as JSON.")] = False,
) -> None:
    """Show what `pulumi up` would do with a stack: resources, steps, what they cost, how long until it trains, outputs.

    It needs no Pulumi CLI, no AWS account and no cluster.
    """
    with told(), no_garbage():
        from ..plan import make_plan

        made = make_plan(stack)
    if as_json:
        print(json.dumps(dataclasses.asdict(made), indent=1))
    else:
        show(made, Console())


def show(plan: "Plan", console: Console) -> None:
    console.print(f"[bold]{plan.recipe}[/bold] on platform [bold]{plan.platform}[/bold] (stack {plan.stack})")
    console.print(f"{plan.summary}.\n")
    console.print(_steps(plan))
    if plan.receipt:
        console.print(_costs(plan.receipt))
    if plan.critical_path:
        console.print(_path(plan.critical_path))
    if plan.resources:
        console.print(_resources(plan))
    for name, value in plan.outputs.items():
        console.print(f"output [bold]{name}[/bold]: {value}", soft_wrap=True)
    for warning in plan.warnings:
        console.print(f"\n[yellow]warning:[/yellow] {warning}", soft_wrap=True)


def _steps(plan: "Plan") -> Table:
    table = _table("Steps")
    for column in ("step", "hash", "launcher", "on"):
        table.add_column(column, no_wrap=True)
    table.add_column("minutes", justify="right")
    table.add_column("dollars", justify="right")
    for step in plan.steps:
        table.add_row(*_step(step), style=None if step.chosen else "dim")
    table.add_section()
    table.add_row("in all", "", "", "", f"{plan.minutes:.1f}", _money(plan.dollars))
    table.caption = f"Minutes are expected ones, prices {plan.prices}."
    return table


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", caption_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)


def _step(step: "PlannedStep") -> tuple[str, ...]:
    name = step.name if step.chosen else f"{step.name} (left out)"
    machine = f"{step.nodes} × {step.machine}"
    return name, step.hash, step.launcher, machine, f"{step.minutes:.1f}", _money(step.dollars)


def _money(dollars: float | None, digits: int = 2) -> str:
    return "not listed" if dollars is None else f"{dollars:.{digits}f}"


def _costs(receipt: "Receipt") -> Table:
    table = _table("What it costs")
    table.add_column("dollars an hour, in us-east-1")
    table.add_column("", justify="right")
    for line in receipt.lines:
        table.add_row(f"[dim]{line.what}[/dim]", f"[dim]{_money(line.dollars_per_hour, 3)}[/dim]")
    table.add_section()
    table.add_row("while training", _money(receipt.training))
    table.add_row("while idle: the last step's machine, until it goes", _money(receipt.idle))
    table.add_row("after scale-down: no Trainium or CPU node", _money(receipt.scaled_down))
    table.add_row("a month of that, if the stack is forgotten", _money(receipt.month))
    table.add_section()
    run = receipt.run
    parts = f"steps {_money(run.steps)}, machines' start and end {_money(run.waiting)}, platform {_money(run.platform)}"
    table.add_row(f"a run: {parts}", _money(run.total))
    unknown = [f"No price is known for: {', '.join(receipt.unknown)}."] if receipt.unknown else []
    table.caption = "\n".join([*unknown, f"By use, on top: {'; '.join(receipt.by_use)}."])
    return table


def _path(path: "CriticalPath") -> Table:
    table = _table("From nothing to the first Trainium container, preparation left out")
    for column in ("after", "takes"):
        table.add_column(column, justify="right")
    table.add_column("minutes, typically")
    for link in path.container.links:
        if link.minutes >= SHORT:
            table.add_row(f"{link.began:.1f}", f"{link.minutes:.1f}", link.name)
    table.add_section()
    longer = f"{path.excess:.0%} more than a control plane, two nodes and an image's pull"
    table.add_row(f"{path.container.minutes:.1f}", "", f"in all: {longer} ({path.unavoidable:.1f})")
    table.add_row(f"{path.with_image:.1f}", "", "with its image built first")
    table.add_row(f"{path.cold:.1f}", "", "first training step, all prepared, nothing compiled before")
    table.add_row(f"{path.warm:.1f}", "", "the same with a compile cache")
    table.caption = "Without any wait for capacity: AWS promises none of these times."
    return table


SHORT = 0.1
"""Minutes. What takes less is counted, and not shown."""


def _resources(plan: "Plan") -> Tree:
    root = Tree(f"[bold]{len(plan.resources)} resources[/bold]")
    nodes: dict[str, Tree] = {}
    for one in plan.resources:
        nodes[one.urn] = nodes.get(one.parent, root).add(_label(one))
    return root


def _label(one: "PlannedResource") -> str:
    return f"{one.name} [dim]{one.type}[/dim]"
