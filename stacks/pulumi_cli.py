"""What the Pulumi CLI is asked about a stack."""

import subprocess
from pathlib import Path

from .config import PROJECT

SECONDS = 60


class PulumiError(Exception):
    """Why there was no answer: the CLI's own words, or that it does not run."""


def ask(stack: str, *words: str, project: Path = PROJECT) -> str:
    """What `pulumi` with `words` prints of `stack`, one of those of `project`; PulumiError where that is nothing."""
    command = ["pulumi", *words, "--stack", stack, "--non-interactive"]
    try:
        told = subprocess.run(
            command,
            cwd=project,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except FileNotFoundError:
        raise PulumiError("there is no pulumi here") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PulumiError(" ".join(str(error).split())) from None
    answer = told.stdout.strip()
    if told.returncode or not answer:
        said = " ".join(told.stderr.split()).removeprefix("error: ")
        raise PulumiError(said or f"pulumi ended with status {told.returncode}")
    return answer
