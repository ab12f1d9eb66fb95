"""The Pulumi program. `stacks/program.py` is its table of contents."""

import sys

import pulumi

from stacks.program import stand_up

TOLD = 32
"""The exit status by which a program lets the Pulumi CLI know that it has told the user what is wrong."""

try:
    stand_up()
except pulumi.RunError as error:
    pulumi.error(str(error))
    sys.exit(TOLD)
