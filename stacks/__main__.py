"""`python -m stacks` is the `trainyard` command."""

from .commands import app

app(prog_name="trainyard")
