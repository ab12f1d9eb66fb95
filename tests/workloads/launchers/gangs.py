"""Made-up recipes whose steps a launcher other than `job` carries out."""

from dataclasses import replace
from typing import Any

from workloads.hardware import trainium
from workloads.launchers import LAUNCHERS, Launched, Manifest, Site
from workloads.recipes import RECIPES, Fleet, Recipe, Step, hashing
from workloads.recipes.step import LauncherName, Neuron

from .jobs import SITE

PATTERN = RECIPES["llama3-8b-text-to-sql"]


def recipe(launcher: LauncherName) -> Recipe:
    """The pattern's, with all that needs Trainium carried out by `launcher`."""

    def steps(parameters: Any, fleet: Fleet | None) -> tuple[Step, ...]:
        made = PATTERN.steps(parameters, fleet)
        return tuple(replace(one, launcher=launcher) if isinstance(one.placement, Neuron) else one for one in made)

    return replace(PATTERN, name=f"made-up-{launcher}", steps=steps, most_nodes=8)


def launched(launcher: LauncherName, nodes: int = 2, instance: str = "trn1.32xlarge", **parameters: Any) -> Launched:
    """The training step of the made-up recipe."""
    on = trainium(instance)
    made = recipe(launcher)
    steps = made.steps(PATTERN.parameters(**parameters), Fleet(on, nodes, on.efa_interfaces > 0))
    return Launched(next(one for one in steps if one.name == "train"), made.name, hashing.hashes(steps), "program-x")


def manifest(what: Launched, site: Site = SITE) -> Manifest:
    """The one object that the step becomes."""
    (made,) = LAUNCHERS[what.step.launcher](what, site)
    return made
