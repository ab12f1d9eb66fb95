"""Whether the programs that a person needs beside Trainyard are there, in versions that fit."""

import json
import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .finding import Finding, ok, wrong
from .wanted import Wanted

Version = tuple[int, ...]
SECONDS = 20

PULUMI = (3, 259)
"""At least: what the project's own tests run the program with."""
AWS = (2, 7)
"""At least: older ones write kubeconfigs that kubectl no longer reads (EKS user guide, create-kubeconfig)."""
SKEW = 1
"""Minor versions that kubectl may be away from the cluster's Kubernetes: Kubernetes' version skew policy."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A program; `version` finds its version in what `command` prints, `fault` says why one does not fit."""

    name: str
    command: Sequence[str]
    version: Callable[[str], str]
    fault: Callable[[Version, Wanted], str | None]
    get: str


def tool(one: Tool, wanted: Wanted) -> Finding:
    try:
        told = subprocess.run(one.command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except FileNotFoundError:
        return wrong(one.name, "is not on PATH", one.get)
    except (OSError, subprocess.TimeoutExpired) as error:
        return wrong(one.name, f"does not run: {' '.join(str(error).split())}", one.get)
    try:
        text = one.version(told.stdout or told.stderr)
        found = tuple(int(part) for part in re.findall(r"\d+", text)[:3])
    except (KeyError, TypeError, ValueError):
        found, text = (), ""
    if len(found) < 2:
        said = " ".join((told.stderr or told.stdout).split())[:100]
        return wrong(one.name, f"does not tell its version: {said or f'status {told.returncode}'}", one.get)
    fault = one.fault(found, wanted)
    return wrong(one.name, f"{text} {fault}", one.get) if fault else ok(one.name, text)


def at_least(least: Version) -> Callable[[Version, Wanted], str | None]:
    """The same major version, and nothing older."""
    words = ".".join(map(str, least))

    def fault(found: Version, wanted: Wanted) -> str | None:
        fits = found[0] == least[0] and found >= least
        return None if fits else f"does not fit: it has to be {words} or newer, of version {least[0]}"

    return fault


def _skewed(found: Version, wanted: Wanted) -> str | None:
    """Of a cluster that the user has, no version is known."""
    cluster = tuple(int(part) for part in wanted.kubernetes.split("."))
    if wanted.platform != "eks" or (found[0] == cluster[0] and abs(found[1] - cluster[1]) <= SKEW):
        return None
    allowed = f"{cluster[0]}.{cluster[1] - SKEW} to {cluster[0]}.{cluster[1] + SKEW}"
    return f"does not fit Kubernetes {wanted.kubernetes}: it has to be {allowed}"


def _of_kubectl(printed: str) -> str:
    return json.loads(printed)["clientVersion"]["gitVersion"]


def _of_aws(printed: str) -> str:
    return printed.split(maxsplit=1)[0].removeprefix("aws-cli/") if printed.split() else ""


TOOLS = {
    one.name: one
    for one in (
        Tool("pulumi", ("pulumi", "version"), str.strip, at_least(PULUMI), "curl -fsSL https://get.pulumi.com | sh"),
        Tool(
            "kubectl",
            ("kubectl", "version", "--client", "--output", "json"),
            _of_kubectl,
            _skewed,
            "see https://kubernetes.io/docs/tasks/tools",
        ),
        Tool(
            "aws",
            ("aws", "--version"),
            _of_aws,
            at_least(AWS),
            "see https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html",
        ),
    )
}
