"""`trainyard results`: what runs left at a results target, whether the stack that made it is there or not."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from workloads.launchers.local import STACK as LOCAL
from workloads.programs import store
from workloads.programs.errors import EXIT_DISK_FULL, UserError, disk_full, is_disk_full

from .. import pulumi_cli
from ..config import PROJECT
from .errors import fail, told

if TYPE_CHECKING:
    from ..results import Found

DAMAGED = 1
"""Exit status where a run is not whole."""

app = typer.Typer(
    help="List, fetch and verify what runs left. Exit status 1: something is damaged; 2: a mistake, or no answer.",
    no_args_is_help=True,
)

Stack = Annotated[str | None, typer.Option(help="A stack that is up: its own results target, and its runs alone.")]
Target = Annotated[str | None, typer.Option(help="The results target itself: s3://bucket, or a folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print it as JSON.")]
Which = Annotated[str, typer.Argument(metavar="RUN", help="Hash of the run or its beginning, or stack/recipe/run.")]


@app.command("list")
def list_(stack: Stack = None, target: Target = None, as_json: AsJson = False) -> None:
    """Show the runs at a target: recipe, time, size, and whether all is there. It reads no file but the manifests."""
    with told():
        place, found = _runs(stack, target)
    if as_json:
        keys = ("stack", "recipe", "run", "bytes", "damage")
        print(json.dumps([{key: getattr(one, key) for key in keys} | {"time": _time(one)} for one in found], indent=1))
    else:
        _show(found, place.address)


@app.command()
def fetch(
    run: Which,
    to: Annotated[Path | None, typer.Option(help="Folder to write into; left out, fetched/<run>.")] = None,
    stack: Stack = None,
    target: Target = None,
) -> None:
    """Bring a run's files here, each checked against its SHA-256. Killed, the same command goes on where it was."""
    from .. import results

    console = Console()
    with told():
        place, found = _runs(stack, target)
        one = results.choose(found, run)
        folder = to or Path("fetched") / one.run
        try:
            results.fetch(place, one, folder, lambda file, there: _line(console, "there" if there else "fetched", file))
        except OSError as error:
            if not is_disk_full(error):
                raise
            raise _full(folder) from None
    console.print(f"{one.name}: whole, in {folder}", soft_wrap=True, highlight=False)


@app.command()
def verify(
    run: Annotated[str | None, typer.Argument(metavar="[RUN]", help="One run alone; left out, all of them.")] = None,
    stack: Stack = None,
    target: Target = None,
) -> None:
    """Read every byte of the runs at a target anew, and hold it against the SHA-256 that was stored with it."""
    from .. import results

    console = Console()
    with told():
        place, found = _runs(stack, target)
        chosen = [results.choose(found, run)] if run else found
        wrong = {one.name: results.verify(place, one, lambda file: _line(console, "read", file)) for one in chosen}
    for one, words in wrong.items():
        console.print(f"{one}: {'; '.join(words) or 'whole'}", soft_wrap=True, highlight=False)
    if any(wrong.values()):
        raise typer.Exit(DAMAGED)


def _line(console: Console, what: str, name: str) -> None:
    if console.is_terminal:
        console.print(f"[dim]{what:<8}[/dim] {name}", soft_wrap=True, highlight=False)


def _full(folder: Path) -> typer.Exit:
    fail(disk_full(folder))
    return typer.Exit(EXIT_DISK_FULL)


def _runs(stack: str | None, target: str | None) -> "tuple[store.Store, list[Found]]":
    """The target that a person means, and the runs there."""
    from .. import results

    place, name = _target(stack, target)
    return place, results.runs(place, name)


def _target(stack: str | None, target: str | None) -> tuple[store.Store, str | None]:
    """Where to look, and for which stack's runs. A local stack's are those of rehearsals in its folder as well."""
    if (stack is None) == (target is None):
        raise UserError("say where to look: --stack NAME for a stack that is up, or --target s3://bucket or a folder.")
    if target:
        return store.at(target), None
    from .. import config, settings

    given = settings.read(config.from_file(str(stack)))
    if given.platform == "local":
        return store.at(str(PROJECT / given.local.folder / "results")), LOCAL
    if given.platform == "existing":
        return _outside(given.results.target, str(stack)), stack
    return store.at(f"{store.SCHEME}{given.results.bucket or _bucket(str(stack))}"), stack


def _outside(target: str, stack: str) -> store.Store:
    if target.startswith(store.SCHEME):
        return store.at(target)
    raise UserError(
        f"the results of the stack {stack} are in {target} on its cluster's volume, which this machine does not see. "
        "Its output `fetch` has a command that brings them here; then name the folder with --target."
    )


def _bucket(stack: str) -> str:
    """The stack's output `bucket`, asked of the Pulumi CLI; UserError with its own words where there is none."""
    try:
        return pulumi_cli.ask(stack, "stack", "output", "bucket")
    except pulumi_cli.PulumiError as error:
        raise UserError(
            f"the bucket of {stack} cannot be asked for: {error}. Once a stack is gone, name it: --target s3://bucket."
        ) from None


def _time(one: "Found") -> str | None:
    return one.manifest.time if one.manifest else None


def _show(found: "list[Found]", address: str) -> None:
    table = Table(title=f"Runs at {address}", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("run", "stack", "recipe", "kept"):
        table.add_column(column, no_wrap=True)
    table.add_column("MB", justify="right", no_wrap=True)
    table.add_column("")
    for one in found:
        kept = (_time(one) or "").replace("T", " ").removesuffix("+00:00")
        table.add_row(one.run, one.stack, one.recipe, kept, f"{one.bytes / 1e6:,.1f}", one.damage or "whole")
    Console().print(table if found else f"No runs at {address}.")
