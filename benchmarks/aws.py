"""How long AWS is asked before a stack is stood up and after it was taken down: of moto, in a process of its own.

`python -m benchmarks.aws preflight seconds.txt` does what is timed, and writes how long the question took: moto itself
takes as long again to be loaded, which is no part of it.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from .measure import cost

Row = tuple[str, str, str, str]

AIM = "5 s"
NOBODY = {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nobodys", "AWS_EC2_METADATA_DISABLED": "true"}
QUESTIONS = ("preflight", "leftovers")


def asking() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        for question in QUESTIONS:
            told = Path(folder) / question
            taken = cost(["-m", "benchmarks.aws", question, str(told)], **NOBODY)
            seconds = f"{float(told.read_text()):.1f} s, {taken.seconds:.1f} s with moto's start"
            yield f"trainyard {question}, of moto", seconds, f"{taken.memory:,.0f} MiB", AIM


def main(question: str, told: Path) -> None:
    """What `trainyard <question>` does for the dev stack, in an empty account of moto's; RuntimeError if it fails."""
    from moto import mock_aws
    from typer.testing import CliRunner

    os.environ["PATH"] = str(Path(sys.executable).parent)
    with mock_aws():
        began = time.perf_counter()
        from stacks.aws.account import Account
        from stacks.commands import app
        from stacks.leftovers import look
        from stacks.preflight import checks
        from tests.stacks.planted import REGION
        from tests.stacks.preflight.stand import allow, support

        account = Account(REGION)
        if question == "preflight":
            # what moto lacks: two planted answers
            allow(account)
            support(account, "1.35")
        checks.Account = look.Account = lambda region, profile: account
        answer = json.loads(CliRunner().invoke(app, [question, "--json"]).stdout)
        told.write_text(str(time.perf_counter() - began))
    wrong = [one for one in answer.get("checks", []) if not one["ok"] and "AWS" in one["text"]]
    if wrong or answer.get("left") or answer.get("unknown"):
        raise RuntimeError(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
