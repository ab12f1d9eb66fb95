"""`trainyard preflight`: is all there that a stack needs, before anything is paid for."""

import dataclasses
import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from .errors import told
from .garbage import no_garbage

if TYPE_CHECKING:
    from ..preflight.finding import Finding


def preflight(
    stack: Annotated[str, typer.Option(help="Stack whose config to read: Pulumi.<stack>.yaml.")] = "dev",
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")] = False,
) -> None:
    """Ask AWS, Hugging Face and this machine whether all is there that a stack needs. Status 1 if something is not.

    It changes nothing and costs nothing.
    """
    with told(), no_garbage():
        from ..preflight import checks

        found = checks.preflight(checks.asked(stack))
    ready = all(one.ok for one in found)
    if as_json:
        print(json.dumps({"stack": stack, "ok": ready, "checks": list(map(dataclasses.asdict, found))}, indent=1))
    else:
        show(found, Console())
    raise typer.Exit(0 if ready else 1)


def show(found: "list[Finding]", console: Console) -> None:
    """One line a check; below one that failed, the command that mends it, once for all that fail alike."""
    width = max(len(one.check) for one in found)
    said: set[tuple[str, str | None]] = set()
    for one in found:
        mark, style = ("ok   ", "green") if one.ok else ("wrong", "red")
        console.print(f"[{style}]{mark}[/{style}] [bold]{one.check:{width}}[/bold]  ", end="")
        again = not one.ok and (one.text, one.mend) in said
        _plain(console, "the same" if again else one.text)
        if one.mend and not again:
            _plain(console, f"{'':{width + 8}}{one.mend}")
        said.add((one.text, one.mend))
    wrongs = sum(not one.ok for one in found)
    console.print(f"\n{wrongs} of {len(found)} checks failed." if wrongs else f"\nAll {len(found)} checks passed.")


def _plain(console: Console, text: str) -> None:
    """What came from elsewhere, as it is, on one line."""
    console.print(text, soft_wrap=True, markup=False, highlight=False)
