"""A person's mistakes at the command line, told without a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

from workloads.programs.errors import UserError

from ..config import stacks_here
from ..mistakes import SettingsError

STATUS = 2


def fail(text: str) -> typer.Exit:
    """Prints `text` as an error, and gives the exception that ends the command with status 2."""
    Console(stderr=True).print(f"error: {text}", soft_wrap=True, markup=False, highlight=False, style="red")
    return typer.Exit(STATUS)


@contextmanager
def told() -> Iterator[None]:
    """Tells a person's mistake: in a stack's config, in a file or folder, or in the name of a stack."""
    try:
        yield
    except (SettingsError, UserError) as error:
        raise fail(str(error)) from None
    except FileNotFoundError as error:
        raise fail(f"there is no {error.filename}. Stacks here: {', '.join(stacks_here()) or 'none'}.") from None
