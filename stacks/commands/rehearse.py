"""`trainyard rehearse`: a recipe's own steps and programs, on this machine's CPU."""

import json
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from workloads.programs import folders, journal
from workloads.programs.errors import EXIT_DISK_FULL, disk_full, is_disk_full

from ..config import PROJECT, RawConfig
from .errors import fail, told

if TYPE_CHECKING:
    from workloads.launchers.local import Machine
    from workloads.recipes import Step

    from ..rehearsal import Outcome
    from ..run import Run

LOG_LINES_SHOWN = 15
INTERRUPTED = 128 + signal.SIGINT
"""Exit status after Ctrl-C, as a shell gives it."""


def rehearse(
    recipe: Annotated[str, typer.Argument(help="The recipe to rehearse.")],
    parameters: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="One of the recipe's parameters; repeatable.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Your own rows, a JSONL file in the data set's form.")] = None,
    folder: Annotated[Path, typer.Option(help="Where steps leave their results.")] = PROJECT / "shared",
) -> None:
    """Run a recipe's own steps here, with a tiny model and the project's own data, in a minute or two.

    Steps that are done are not run again; training that was killed goes on from its last checkpoint.
    """
    from workloads.launchers.local import Machine

    from .. import rehearsal
    from ..program import run_of
    from ..settings import read

    console = Console()
    if problem := rehearsal.missing(sys.executable):
        raise fail(problem)
    with told():
        run = run_of(
            read(RawConfig({"platform": "local", "recipe": recipe, "parameters": _given(parameters or [], data)}))
        )
        folders.make(folder, f"--folder {folder}")
    machine = Machine(folder.absolute(), sys.executable)
    console.print(f"[bold]{run.recipe.name}[/bold]: {run.recipe.summary}.\n")
    outcomes = _carried_out(run, machine, console)
    if outcomes[-1].status:
        raise _failed(outcomes[-1], console)
    _show(run, outcomes, machine, console)


def _carried_out(run: "Run", machine: "Machine", console: Console) -> "list[Outcome]":
    from .. import rehearsal

    try:
        with told(), _Bars(console) as bars:
            return rehearsal.rehearse(run, machine, bars)
    except KeyboardInterrupt:
        console.print("Stopped. What is done stays done, and the same command goes on from here.")
        raise typer.Exit(INTERRUPTED) from None
    except OSError as error:
        if not is_disk_full(error, machine.shared):
            raise
        raise fail(disk_full(machine.shared)) from None


def _given(assignments: Sequence[str], data: Path | None) -> dict[str, Any]:
    """The parameters of `--set` and `--data`; a value in brackets is read as JSON, any other as it stands."""
    given: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise fail(f"--set {assignment}: write it as KEY=VALUE, as in --set max_steps=100.")
        given[name] = _list(value) if value.startswith("[") else value
    return {**given, **({"dataset": str(data.absolute())} if data else {})}


def _list(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value  # the settings will tell that it is no list


class _Bars:
    """A progress bar a step, fed from the steps' journals; on what is no terminal, a line a step."""

    def __init__(self, console: Console):
        columns = (TextColumn("{task.description:<12}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, TextColumn("{task.fields[note]}"), console=console, transient=True)
        self._console = console
        self._task: TaskID | None = None

    def __enter__(self) -> "_Bars":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def started(self, step: "Step") -> None:
        self._task = self._progress.add_task(step.name, total=None, note="")

    def happened(self, step: "Step", event: Mapping[str, Any]) -> None:
        if self._task is None:
            return
        if event["event"] == "step":
            note = f"loss {event['loss']:.3f}"
            self._progress.update(self._task, completed=event["step"], total=event["steps"], note=note)
        elif event["event"] == "progress":
            self._progress.update(self._task, completed=event["done"], total=event["total"], note=event["what"])

    def ended(self, outcome: "Outcome") -> None:
        if self._task is not None:
            self._progress.remove_task(self._task)
        how = f"{outcome.seconds:.1f} s" if outcome.ran else "done before"
        result = "failed" if outcome.status else journal.result(outcome.folder)
        self._console.print(f"{outcome.step.name:<12} {how:>12}  {result}", soft_wrap=True, highlight=False)


def _failed(outcome: "Outcome", console: Console) -> typer.Exit:
    """Shows why a step failed: the last lines of what it said, and where the rest is."""
    lines = outcome.log.read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:]
    console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)
    if outcome.status == EXIT_DISK_FULL:
        return fail(disk_full(outcome.folder))
    how = f"was killed by signal {-outcome.status}" if outcome.status < 0 else f"ended with status {outcome.status}"
    return fail(f"step {outcome.step.name} {how}. All it said: {outcome.log}. The same command goes on from here.")


def _show(run: "Run", outcomes: list["Outcome"], machine: "Machine", console: Console) -> None:
    from rich.markdown import Markdown

    from workloads.programs.card import PAGE_FILE
    from workloads.programs.keep import CARD
    from workloads.recipes.keeping import KEEP

    from .. import rehearsal

    console.print(_summary(outcomes, run.recipe.only_on_neuron))
    made = {outcome.step.name: outcome.folder for outcome in outcomes}
    places = {name: made[at.step] / at.path for name, at in run.recipe.results.items() if at.step in made}
    report = places.get("report")
    if report:
        console.print(Markdown(report.read_text()))
    if KEEP in made:
        places["run card"] = made[KEEP] / CARD / PAGE_FILE
    plot = rehearsal.plot_losses(run, made, machine)
    for name, place in {**places, **({"loss plot": plot} if plot else {})}.items():
        console.print(f"{name}: {place}", soft_wrap=True, highlight=False)


def _summary(outcomes: list["Outcome"], only_on_neuron: Mapping[str, str]) -> Table:
    table = Table("step", title="Rehearsal", title_justify="left")
    table.add_column("what came of it", overflow="fold")
    table.add_column("seconds", justify="right")
    table.add_column("peak memory", justify="right")
    for outcome in outcomes:
        seconds, memory = ("", "")
        if outcome.ran:
            seconds, memory = f"{outcome.seconds:.1f}", f"{outcome.peak_memory / 2**20:,.0f} MiB"
        table.add_row(outcome.step.name, journal.result(outcome.folder), seconds, memory)
    for name, reason in only_on_neuron.items():
        table.add_row(name, f"not rehearsed: {reason}", "", "")
    table.add_section()
    ran = [outcome for outcome in outcomes if outcome.ran]
    peak = f"{max(outcome.peak_memory for outcome in ran) / 2**20:,.0f} MiB" if ran else ""
    table.add_row("in all", f"{len(ran)} steps ran", f"{sum(outcome.seconds for outcome in ran):.1f}", peak)
    return table
