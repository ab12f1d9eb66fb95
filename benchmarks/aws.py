"""How long AWS is asked before a stack is stood up and after it was taken down: against moto, in a process of its own.

`python -m benchmarks.aws preflight` and `… leftovers` are what is timed; each ends with 0 once it has its answer.
"""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from .measure import cost

Row = tuple[str, str, str, str]

AIM = "5 s"
NOBODY = {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nobodys", "AWS_EC2_METADATA_DISABLED": "true"}
QUESTIONS = ("preflight", "leftovers")


def asking() -> Iterator[Row]:
    for question in QUESTIONS:
        taken = cost(["-m", "benchmarks.aws", question], **NOBODY)
        yield f"trainyard {question}, against moto", f"{taken.seconds:.1f} s", f"{taken.memory:,.0f} MiB", AIM


def main(question: str) -> int:
    """What `trainyard <question>` does for the dev stack, in an empty account of moto's."""
    from moto import mock_aws
    from typer.testing import CliRunner

    from stacks.commands import app

    os.environ["PATH"] = str(Path(sys.executable).parent)
    with mock_aws():
        told = CliRunner().invoke(app, [question, "--json"])
    answer = json.loads(told.stdout)
    return 0 if answer.get("checks") or answer.get("left") == [] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
