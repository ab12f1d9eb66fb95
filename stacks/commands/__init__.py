"""The `trainyard` command: one file a subcommand, each a thin face on functions that tests call directly."""

import typer

from . import card
from .follow import follow
from .leftovers import leftovers
from .plan import plan
from .preflight import preflight
from .rehearse import rehearse
from .results import app as results

app = typer.Typer(
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
