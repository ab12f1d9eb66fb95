"""Steps of the true recipes as the launcher `job` makes objects of them, and what stands in these."""

from collections.abc import Iterator
from typing import Any

from workloads.hardware import trainium
from workloads.launchers import LAUNCHERS, Launched, Manifest, Site
from workloads.launchers.pods import NEURON, Nodes
from workloads.recipes import RECIPES, Fleet, hashing
from workloads.recipes.step import Neuron

RECIPE = RECIPES["llama3-8b-text-to-sql"]
SITE = Site(
    namespace="team",
    claim="volume",
    images={
        "neuron-training": "registry.example.com/training:1",
        "neuronx-nemo-megatron": "registry.example.com/megatron:1",
    },
    token_secret="the-token",
    trainium=Nodes({"kind": "trainium"}, ({"key": NEURON, "operator": "Exists", "effect": "NoSchedule"},)),
    processors=Nodes({"kind": "processor"}, ({"key": "team", "operator": "Equal", "value": "ours"},)),
)


def fleet(name: str = "trn1.32xlarge", nodes: int = 1, efa: bool = True) -> Fleet:
    return Fleet(trainium(name), nodes, efa)


def launched(name: str, on: Fleet | None = None, recipe: str = RECIPE.name, **parameters: Any) -> Launched:
    """The step `name` of a recipe with these parameters, on one trn1.32xlarge without a word."""
    steps = RECIPES[recipe].steps(RECIPES[recipe].parameters(**parameters), on or fleet())
    return Launched(next(step for step in steps if step.name == name), recipe, hashing.hashes(steps), "program-x")


def every(*fleets: Fleet) -> Iterator[Launched]:
    """Every step that becomes a Job, of every recipe, and those on Trainium on each of the fleets."""
    first, *others = fleets or (fleet(), fleet(nodes=2), fleet("trn2.48xlarge", nodes=4))
    for recipe in RECIPES.values():
        for step in (one for one in recipe.steps(recipe.parameters(), first) if one.launcher == "job"):
            yield launched(step.name, first, recipe.name)
            if isinstance(step.placement, Neuron):
                yield from (launched(step.name, on, recipe.name) for on in others)


def objects(what: Launched, site: Site = SITE) -> list[Manifest]:
    return LAUNCHERS[what.step.launcher](what, site)


def job(what: Launched, site: Site = SITE) -> Manifest:
    (found,) = (one for one in objects(what, site) if one["kind"] == "Job")
    return found


def pod(what: Launched, site: Site = SITE) -> Manifest:
    return job(what, site)["spec"]["template"]


def container(what: Launched, site: Site = SITE) -> Manifest:
    (found,) = pod(what, site)["spec"]["containers"]
    return found


def environment(what: Launched) -> dict[str, Manifest]:
    return {one["name"]: one for one in container(what)["env"]}


def argument(what: Launched, name: str) -> str:
    command = container(what)["command"]
    return command[command.index(f"--{name}") + 1]


def named(one: Launched) -> str:
    return f"{one.recipe}-{one.step.name}-{one.step.placement.machine}-{one.step.placement.nodes}"
