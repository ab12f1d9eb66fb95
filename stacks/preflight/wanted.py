"""What a stack would use, from its settings and from what its program asks for: the checks compare it with what is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workloads.hardware import InstanceType
from workloads.recipes.step import Processor

from ..aws.owner import Owner
from ..groups import Reservation
from ..receipt import NODE_GROUP
from ..recorder import Recorded
from ..run import Run
from ..settings import Settings

NAMED_BY = {
    "aws:cloudwatch/logGroup:LogGroup": "name",
    "aws:ecr/repository:Repository": "name",
    "aws:iam/instanceProfile:InstanceProfile": "name",
    "aws:iam/role:Role": "name",
    "aws:kms/alias:Alias": "name",
}
"""Types of resources whose names are unique in a region or account, with the input that fixes one."""

MODELS = ("model", "tokenizer")
"""Parameters of recipes that name something on the Hub, each with a `…_revision`."""


@dataclass(frozen=True, slots=True)
class Model:
    repository: str
    revision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is counted is what there is at once, at most."""

    owner: Owner
    platform: str
    instance: InstanceType | None
    """What to train on, and how many of them."""
    nodes: int
    zone: str | None
    reservation: Reservation | None
    kubernetes: str
    machines: Mapping[str, int]
    """Instances without Neuron devices, by type."""
    addresses: int
    vpcs: int
    storage_gib: int
    """FSx for Lustre, PERSISTENT_2."""
    names: tuple[tuple[str, str], ...]
    """Names that the program fixes, as type and name. Those that it leaves to Pulumi get a random ending."""
    models: tuple[Model, ...]
    """What of the Hub is read with a token."""
    has_token: bool


def wanted(settings: Settings, run: Run, resources: Sequence[Recorded], stack: str) -> Wanted:
    fleet = settings.fleet
    return Wanted(
        owner=Owner(stack),
        platform=settings.platform,
        instance=fleet.instance if fleet else None,
        nodes=fleet.nodes if fleet else 0,
        zone=settings.keys.network.zone,
        reservation=settings.nodes.reservation,
        kubernetes=settings.keys.cluster.kubernetes,
        machines=_machines(run, resources),
        addresses=_count(resources, "aws:ec2/eip:Eip"),
        vpcs=_count(resources, "aws:ec2/vpc:Vpc"),
        storage_gib=sum(int(one.inputs["storageCapacity"]) for one in resources if one.type == LUSTRE),
        names=tuple(_names(resources)),
        models=_models(settings),
        has_token=settings.has_token,
    )


LUSTRE = "aws:fsx/lustreFileSystem:LustreFileSystem"


def _count(resources: Sequence[Recorded], kind: str) -> int:
    return sum(one.type == kind for one in resources)


def _machines(run: Run, resources: Sequence[Recorded]) -> dict[str, int]:
    """The nodes that always stand, and those of the largest step without Neuron devices."""
    found: dict[str, int] = {}
    for group in (one.inputs for one in resources if one.type == NODE_GROUP):
        for kind in (group.get("instanceTypes") or [])[:1]:
            found[kind] = found.get(kind, 0) + int(group["scalingConfig"]["minSize"])
    steps = [step.placement for step in run.chosen if isinstance(step.placement, Processor)]
    if any(found.values()) and steps:
        largest = max(steps, key=lambda one: one.nodes * one.instance.vcpus)
        found[largest.machine] = found.get(largest.machine, 0) + largest.nodes
    return {kind: count for kind, count in found.items() if count}


def _names(resources: Sequence[Recorded]) -> list[tuple[str, str]]:
    fixed = [(one.type, one.inputs.get(NAMED_BY[one.type])) for one in resources if one.type in NAMED_BY]
    return [(kind, name) for kind, name in fixed if isinstance(name, str)]


def _models(settings: Settings) -> tuple[Model, ...]:
    parameters: Any = settings.parameters
    if settings.platform == "local" or not parameters.uses_token():
        return ()
    named = [(getattr(parameters, name, None), getattr(parameters, f"{name}_revision", "main")) for name in MODELS]
    # a folder is no repository
    hub = [(name, revision) for name, revision in named if name and name.count("/") == 1 and name[0] not in "./~"]
    return tuple(Model(*one) for one in dict.fromkeys(hub))
