"""A person's mistakes at the command line, told without a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

from ..config import stacks_here
from ..mistakes import SettingsError

STATUS = 2


def fail(text: str) -> typer.Exit:
    """Prints `text` as an error, and gives the exception that ends the command with status 2."""
    Console(stderr=True).print(f"error: {text}", soft_wrap=True, markup=False, highlight=False, style="red")
    return typer.Exit(STATUS)


@contextmanager
def told() -> Iterator[None]:
    """Tells what is wrong with a stack's config, or that there is no such stack."""
    try:
        yield
    except SettingsError as error:
        raise fail(str(error)) from None
    except FileNotFoundError as error:
        raise fail(f"there is no {error.filename}. Stacks here: {', '.join(stacks_here()) or 'none'}.") from None
