"""What a platform whose volume goes with the stack asks before it goes."""

from collections.abc import Mapping

import pulumi

from components.guard.destroy import DestroyGuardArgs
from workloads.recipes.keeping import KEEP

from .. import guarding
from ..run import Run


def args(run: Run, target: pulumi.Input[str], *, goes: bool, account: Mapping[str, str]) -> DestroyGuardArgs | None:
    """The guard of `run`, whose results go to `target`; None where this run is not to keep anything.

    `goes` says that the target is deleted with the stack, `account` whose it is, by AWS's own variables.
    """
    if KEEP not in {step.name for step in run.chosen}:
        return None
    stack, recipe, known = pulumi.get_stack(), run.recipe.name, run.hashes[KEEP]
    check = pulumi.Output.from_input(target).apply(
        lambda address: guarding.line(address, stack, recipe, known, goes=goes, account=account)
    )
    return DestroyGuardArgs(check=check, environment=guarding.fallback())
