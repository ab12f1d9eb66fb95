"""The platform `local`: this machine's processor, no AWS account. Steps run as local commands."""

import sys
from collections.abc import Mapping
from typing import Any

import pulumi

from components.guard.destroy import DestroyGuardArgs
from components.local_step import LocalStep, LocalStepArgs
from workloads.launchers.local import Machine, command

from .. import rehearsal
from ..config import PROJECT, token
from ..run import Run
from ..settings import Settings


class LocalPlatform:
    guard: DestroyGuardArgs | None = None
    """A destroy leaves the folder as it is."""

    def __init__(self, settings: Settings):
        self._machine = Machine(PROJECT / settings.local.folder, sys.executable)
        self._environment: dict[str, pulumi.Input[str]] = {"HF_TOKEN": token()} if settings.has_token else {}

    def missing(self) -> list[str]:
        problem = rehearsal.missing(sys.executable)
        return [problem] if problem else []

    def carry_out(self, run: Run) -> Mapping[str, Any]:
        steps: dict[str, LocalStep] = {}
        for step in run.chosen:
            what = command(step, run.recipe.name, run.hashes, self._machine)
            args = LocalStepArgs(
                command=what.line,
                environment={**self._environment, **what.environment},
                working_folder=str(PROJECT),
                folder=str(what.folder),
                hash=run.hashes[step.name],
            )
            needed = [steps[name] for name in step.waits_for(steps) if name in steps]
            steps[step.name] = LocalStep(step.name, args, pulumi.ResourceOptions(depends_on=needed))
        return {**_outputs(run, steps), "results": str(self._machine.results)}


def _outputs(run: Run, steps: Mapping[str, LocalStep]) -> dict[str, Any]:
    made = {name: at for name, at in run.recipe.results.items() if at.step in steps}
    return {
        "steps": {step.name: run.hashes[step.name] for step in run.chosen},
        **{name: pulumi.Output.concat(steps[at.step].folder, "/", at.path) for name, at in made.items()},
    }
