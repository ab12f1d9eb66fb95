"""The `trainyard` command: one file a subcommand, each a thin face on functions that tests call directly."""

import os
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from workloads.programs.errors import is_disk_full

from . import card
from .errors import fail
from .follow import follow
from .leftovers import leftovers
from .plan import plan
from .preflight import preflight
from .rehearse import rehearse
from .results import app as results


class Commands(TyperGroup):
    """All commands: what each of them may meet is told here."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except OSError as error:
            if not is_disk_full(error):
                raise
            # what is left to print would be tried once more at the end, and fail once more
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise fail(f"the disk is full: {error.filename or 'the output'} could not be written") from None


app = typer.Typer(
    cls=Commands,
    name="trainyard",
    help="What a person can do beside `pulumi up` and `pulumi destroy`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(card.app, name="card")
app.command()(follow)
app.command()(plan)
app.command()(preflight)
app.command()(leftovers)
app.command()(rehearse)
app.add_typer(results, name="results")
