"""`trainyard plan`: what a stack would do, before it costs anything."""

import dataclasses
import json
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.tree import Tree

from ..plan import Plan, PlannedResource, PlannedStep, make_plan
from .errors import told


def plan(
    stack: Annotated[str, typer.Option(help="Stack whose config to read: Pulumi.<stack>.yaml.")] = "dev",
    as_json: Annotated[bool, typer.Option("--json", help="Print the plan as JSON.")] = False,
) -> None:
    """Show what `pulumi up` would do with a stack: resources, steps with hash, machine, time and price, outputs.

    It needs no Pulumi CLI, no AWS account and no cluster.
    """
    with told():
        made = make_plan(stack)
    if as_json:
        print(json.dumps(dataclasses.asdict(made), indent=1))
    else:
        show(made, Console())


def show(plan: Plan, console: Console) -> None:
    console.print(f"[bold]{plan.recipe}[/bold] on platform [bold]{plan.platform}[/bold] (stack {plan.stack})")
    console.print(f"{plan.summary}.\n")
    console.print(_steps(plan))
    if plan.resources:
        console.print(_resources(plan))
    for name, value in plan.outputs.items():
        console.print(f"output [bold]{name}[/bold]: {value}", soft_wrap=True)
    for warning in plan.warnings:
        console.print(f"\n[yellow]warning:[/yellow] {warning}", soft_wrap=True)


def _steps(plan: Plan) -> Table:
    table = Table(title="Steps", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("step", "hash", "launcher", "on"):
        table.add_column(column, no_wrap=True)
    table.add_column("minutes", justify="right")
    table.add_column("dollars", justify="right")
    for step in plan.steps:
        table.add_row(*_step(step), style=None if step.chosen else "dim")
    table.add_section()
    table.add_row("in all", "", "", "", f"{plan.minutes:.1f}", _money(plan.dollars))
    table.caption = f"Minutes are expected ones, prices {plan.prices}."
    table.caption_justify = "left"
    return table


def _step(step: PlannedStep) -> tuple[str, ...]:
    name = step.name if step.chosen else f"{step.name} (left out)"
    machine = f"{step.nodes} × {step.machine}"
    return name, step.hash, step.launcher, machine, f"{step.minutes:.1f}", _money(step.dollars)


def _money(dollars: float | None) -> str:
    return "not listed" if dollars is None else f"{dollars:.2f}"


def _resources(plan: Plan) -> Tree:
    root = Tree(f"[bold]{len(plan.resources)} resources[/bold]")
    nodes: dict[str, Tree] = {}
    for one in plan.resources:
        nodes[one.urn] = nodes.get(one.parent, root).add(_label(one))
    return root


def _label(one: PlannedResource) -> str:
    return f"{one.name} [dim]{one.type}[/dim]"
