"""`trainyard leftovers`: what of a stack outlived its end, what it costs, and what removes it."""

import dataclasses
import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from .errors import told

if TYPE_CHECKING:
    from ..leftovers.leftover import Leftover
    from ..leftovers.search import Searched


def leftovers(
    stack: Annotated[str, typer.Option(help="Stack whose config to read: Pulumi.<stack>.yaml.")] = "dev",
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")] = False,
) -> None:
    """Find what outlived `pulumi destroy`, with dollars a day and the command that removes it.

    It removes nothing. Status 1 if anything is left, or may be.
    """
    with told():
        from ..leftovers import look

        found = look.leftovers(stack)
    if as_json:
        print(json.dumps(as_data(stack, found), indent=1))
    else:
        show(stack, found, Console())
    raise typer.Exit(1 if found.left or found.unknown else 0)


def as_data(stack: str, found: "Searched") -> dict[str, object]:
    from ..leftovers.search import PRICES

    told = dataclasses.asdict(found)
    return {"stack": stack, **told, "dollarsADay": found.dollars_a_day, "prices": PRICES, "stands": found.stands}


def show(stack: str, found: "Searched", console: Console) -> None:
    from ..leftovers.search import PRICES

    if found.stands:
        words = f"{found.stands} still stands. If {stack} was never taken down: pulumi destroy --stack {stack}\n"
        console.print(words, style="yellow", soft_wrap=True, highlight=False)
    for one in found.left:
        _show(one, console)
    for one in found.kept:
        console.print(f"[green]kept on purpose[/green]  {one.kind} ", end="")
        _plain(console, one.id)
    for (text, mend), kinds in _by_reason(found).items():
        console.print("[red]not known[/red]  ", end="")
        _plain(console, f"{', '.join(kinds)}: {text}" + (f"\n    {mend}" if mend else ""))
    _plain(console, f"\n{_summary(found)}")
    if found.left:
        _plain(console, f"Prices: {PRICES}.")


def _by_reason(found: "Searched") -> dict[tuple[str, str | None], list[str]]:
    """The kinds that could not be looked at, by why, and by what mends it."""
    kinds: dict[tuple[str, str | None], list[str]] = {}
    for one in found.unknown:
        kinds.setdefault((one.text, one.mend), []).append(one.kind)
    return kinds


def _summary(found: "Searched") -> str:
    if not found.left:
        return "Whether anything is left is not known." if found.unknown else "Nothing is left."
    return f"{len(found.left)} left, ${found.dollars_a_day:.2f} a day, in the order in which they can be removed."


def _show(one: "Leftover", console: Console) -> None:
    price = "by use or not known" if one.dollars_a_day is None else f"${one.dollars_a_day:.2f} a day"
    console.print(f"[red]left[/red]  [bold]{one.kind}[/bold] ", end="")
    _plain(console, f"{one.id}  {price}{f'  ({one.text})' if one.text else ''}")
    _plain(console, f"      {one.command}")


def _plain(console: Console, text: str) -> None:
    """What came from elsewhere, as it is, on one line."""
    console.print(text, soft_wrap=True, markup=False, highlight=False)
