"""What `pulumi destroy` asks before it deletes anything: is the newest run kept?

`python -m stacks.guarding TARGET STACK RECIPE RUN` ends well when it is. A plain destroy runs no program, so the line
that starts this stands in the stack's state, as the last update left it.
"""

import argparse
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from workloads.programs import manifest, store
from workloads.programs.errors import UserError

from . import results

PROJECT = Path(__file__).resolve().parents[1]
OVERRIDE = "TRAINYARD_LOSE_RESULTS"
"""Environment variable: anything in it lets a destroy go on whatever is lost."""

ANYWAY = f"To destroy the stack all the same: {OVERRIDE}=1 pulumi destroy"


def line(target: str, stack: str, recipe: str, run: str, *, goes: bool, account: Mapping[str, str]) -> str:
    """The shell line that asks, with the variables `account` set for AWS.

    It looks for the project where the engine works, then where the first update had it (`fallback`).
    """
    words = [target, stack, recipe, run, *(["--goes"] if goes else [])]
    asked = f"-m stacks.guarding {shlex.join(words)}"
    exports = "".join(f"export {name}={shlex.quote(value)}; " for name, value in sorted(account.items()))
    no_python = shlex.quote(
        f"Whether the run {run} of {recipe} is kept cannot be asked: no Python of the project is here. Run "
        f"`make setup` in the project's folder, and destroy from there. {ANYWAY}"
    )
    return (
        f'if [ -n "${{{OVERRIDE}:-}}" ]; then exit 0; fi; {exports}'
        f"if [ -x .venv/bin/python ] && [ -f {FILE} ]; then exec .venv/bin/python {asked}; fi; "
        f'if cd "${PLACE}" 2>/dev/null && [ -x "${PYTHON}" ] && [ -f {FILE} ]; then exec "${PYTHON}" {asked}; fi; '
        f"echo {no_python} >&2; exit 1"
    )


FILE = "stacks/guarding.py"
PLACE, PYTHON = "TRAINYARD_PROJECT", "TRAINYARD_PYTHON"


def fallback() -> dict[str, str]:
    """Environment of the line: where the project and its interpreter are on this machine."""
    return {PLACE: str(PROJECT), PYTHON: sys.executable}


def problem(target: str, stack: str, recipe: str, run: str, *, goes: bool) -> str | None:
    """Why the run would be lost, as sentences; None where it is kept. `goes` says that the target goes as well."""
    if goes:
        return (
            f"What the runs made goes with this stack, {target} included, since trainyard:results.keep is false. Fetch "
            "first what you want of it (`trainyard results fetch`, or the stack's output `fetch`)."
        )
    place = manifest.place(stack, recipe, run)
    try:
        damage = _damage(store.at(target), place)
    except UserError as error:
        return f"Whether the run {run} of {recipe} is kept cannot be asked. {error}"
    if damage is None:
        return None
    return (
        f"The newest run of {recipe}, {run}, is not kept: at {target}/{place} it {damage}. Destroyed now, what it made "
        "is lost. Let it end, or start it again with `pulumi up`: its last step, `keep`, sends it there. A `keep` that "
        f"is done sends nothing again until its folder /shared/runs/{recipe}/keep-{run} is deleted."
    )


def _damage(target: store.Store, place: str) -> str | None:
    there = {name.removeprefix(place): size for name, size in target.sizes(place).items()}
    return results.examined(target, place, there)[1]


def main(argv: Sequence[str], environment: Mapping[str, str] = os.environ) -> int:
    parser = argparse.ArgumentParser(prog="python -m stacks.guarding", description=__doc__)
    for name in ("target", "stack", "recipe", "run"):
        parser.add_argument(name)
    parser.add_argument("--goes", action="store_true", help="the target is deleted with the stack")
    given = parser.parse_args(argv)
    if environment.get(OVERRIDE):
        return 0
    found = problem(given.target, given.stack, given.recipe, given.run, goes=given.goes)
    if found:
        print(f"{found} {ANYWAY}", file=sys.stderr)
        return 1
    place = manifest.place(given.stack, given.recipe, given.run)
    print(
        f"The newest run is kept at {given.target}/{place}. To see it: trainyard results list --target {given.target}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
