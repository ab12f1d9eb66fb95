"""Settings: what `trainyard:*` in a stack's config may say, as typed models, and every mistake in it told at once.

Each key stands in Pulumi.yaml too, with its type, default and description; a test holds the two together. Grouped
keys are declared there as objects, since the Pulumi CLI stops at the first key of a wrong type: they are typed here.
"""

import copy
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError

from workloads.hardware import trainium, trainium_names
from workloads.recipes import RECIPES, Fleet, Parameters, Recipe
from workloads.recipes.step import Earlier

from . import rules, rules_eks
from .config import RawConfig
from .forms import Duration, Reference, StepFolder
from .groups import (
    Charts,
    Cluster,
    Existing,
    Group,
    Guard,
    Local,
    Network,
    Nodes,
    Observability,
    Provisioner,
    Results,
    StepRange,
    Storage,
    Workbench,
)
from .mistakes import Mistake, SettingsError, from_pydantic, unknown

DEFAULT_RECIPE = "llama3-8b-text-to-sql"

PlatformName = Literal["eks", "existing", "local"]


class Keys(Group):
    """The top level of the config, as it is written."""

    platform: PlatformName = Field("eks", description="Where to run: eks, existing or local.")
    recipe: str = Field(DEFAULT_RECIPE, description="Which recipe to run.")
    parameters: dict[str, Any] = Field({}, description="The recipe's own parameters, by name.")
    steps: StepRange = Field(StepRange.model_validate({}), description="Which of the recipe's steps to run: from, to.")
    nodes: Nodes = Field(Nodes.model_validate({}), description="What to train on: instanceType, count, efa and more.")
    images: dict[str, Reference] = Field(
        {}, description="Container images to use in place of the recipe's, by its names."
    )
    wait: bool = Field(True, description="Whether `pulumi up` waits until the recipe has been carried out.")
    capacity_timeout: Duration = Field(
        timedelta(hours=2), description="How long a step may wait for machines: 90m, 2h, 1d."
    )
    max_spend: Annotated[int, Field(ge=0)] = Field(
        0, description="Dollars that a run's machines may cost, by list prices; 0: no limit."
    )
    resume_from: StepFolder = Field(
        "", description="An earlier training to go on from, by its folder's name: train-0123456789."
    )
    results: Results = Field(
        Results.model_validate({}), description="What a run leaves: keep, bucket, target, serviceAccount."
    )
    provisioner: Provisioner = Field("karpenter", description="What brings nodes on eks: karpenter or managed.")
    cluster: Cluster = Field(
        Cluster.model_validate({}), description="The EKS cluster: kubernetes, publicAccessCidrs, access, coreNodes."
    )
    network: Network = Field(
        Network.model_validate({}), description="The VPC: primaryCidr, nodeCidr, zone, nat and more."
    )
    storage: Storage = Field(Storage.model_validate({}), description="FSx for Lustre: capacity, throughput, data.")
    observability: Observability = Field(
        Observability.model_validate({}), description="What to see on eks: metrics, logs, logDays."
    )
    workbench: Workbench = Field(
        Workbench.model_validate({}), description="A pod to work in by hand on eks: enabled, devices."
    )
    guard: Guard = Field(
        Guard.model_validate({}), description="Bounds of costs on eks: monthlyDollars, emails, ttlHours."
    )
    charts: Charts = Field(Charts.model_validate({}), description="Where Helm charts come from on eks: mirror.")
    existing: Existing = Field(
        Existing.model_validate({}), description="The platform `existing`: kubeconfig, namespace, claim and more."
    )
    local: Local = Field(Local.model_validate({}), description="The platform `local`: folder.")
    hf_token: str | None = Field(
        None, description="Hugging Face token for gated models. Set it with `pulumi config set --secret`."
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """A config without mistakes. The token itself is not in it: only whether there is one."""

    platform: PlatformName
    recipe: Recipe
    parameters: Parameters
    steps: StepRange
    nodes: Nodes
    images: Mapping[str, str]
    wait: bool
    capacity_timeout: timedelta
    resume_from: Earlier | None
    results: Results
    existing: Existing
    local: Local
    keys: Keys
    """The config as it was written, typed, without the token."""
    has_token: bool
    ignored: tuple[Mistake, ...]
    """Keys that were given and have no effect."""

    @property
    def fleet(self) -> Fleet | None:
        """The Trainium nodes to train on; None on this machine. KeyError while the instance type is not a known one."""
        if self.platform == "local":
            return None
        instance = trainium(self.nodes.instance_type)
        wanted = self.nodes.efa is not False
        return Fleet(instance, self.nodes.count, efa=wanted and instance.efa_interfaces > 0)

    @property
    def trainium_nodes(self) -> int:
        """The most Trainium nodes that may be there at a time: those that train, and the workbench's own."""
        nodes = self.fleet.nodes if self.fleet else 0
        return nodes + (self.keys.workbench.enabled and self.keys.workbench.devices)

    @property
    def lacks_token(self) -> bool:
        """Whether a gated model is named and no token given. A preview warns of it; an update must not start."""
        return self.platform != "local" and self.parameters.uses_token() and not self.has_token


LACKS_TOKEN = Mistake(
    ("hfToken",),
    "the recipe's model is gated and there is no Hugging Face token. Accept its licence on huggingface.co, then run "
    "`pulumi config set --secret trainyard:hfToken`.",
)


def read(raw: RawConfig) -> Settings:
    """The settings that `raw` stands for; SettingsError with every mistake in it."""
    mistakes = list(rules.plain_secrets(raw))
    keys = _validated(Keys, raw.values, (), mistakes)
    mistakes += _unknown(("recipe",), keys.recipe, RECIPES)
    mistakes += _unknown(("nodes", "instanceType"), keys.nodes.instance_type, trainium_names())
    recipe = RECIPES.get(keys.recipe, RECIPES[DEFAULT_RECIPE])
    model = recipe.rehearsal if keys.platform == "local" else recipe.parameters
    certain = not {("recipe",), ("platform",)} & {mistake.path for mistake in mistakes}
    parameters = _validated(model, keys.parameters if certain else {}, ("parameters",), mistakes)
    settings = Settings(
        keys.platform,
        recipe,
        parameters,
        keys.steps,
        keys.nodes,
        keys.images,
        keys.wait,
        keys.capacity_timeout,
        _earlier(keys.resume_from),
        keys.results,
        keys.existing,
        keys.local,
        keys.model_copy(update={"hf_token": None}),
        has_token=bool(keys.hf_token),
        ignored=tuple(rules.ignored(_changed(keys), keys.platform)),
    )
    mistakes += rules.misfits(settings, [mistake.path for mistake in mistakes])
    if keys.platform == "eks":
        mistakes += rules_eks.zone_elsewhere(keys.network.zone, raw.others.get("aws:region"))
    if mistakes:
        raise SettingsError(mistakes)
    return settings


def _changed(keys: Keys) -> list[str]:
    """The keys that differ from their defaults: the engine hands those over as if they had been given."""
    fields = Keys.model_fields.items()
    return [key.alias or name for name, key in fields if getattr(keys, name) != key.get_default()]


def _earlier(folder: str) -> Earlier | None:
    step, _, known = folder.rpartition("-")
    return Earlier(step, known) if folder else None


def _unknown(path: tuple[str, ...], name: str, known: Collection[str]) -> list[Mistake]:
    kind = "instance type" if path[-1] == "instanceType" else path[-1]
    return [] if name in known else [Mistake(path, f"{name!r}: {unknown(name, known, kind)}")]


M = TypeVar("M", bound=BaseModel)


def _validated(model: type[M], values: Mapping[str, Any], prefix: tuple[str, ...], mistakes: list[Mistake]) -> M:
    """`values` as `model`. What is wrong in them goes to `mistakes`, and the default takes its place meanwhile."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        found = error.errors()
    kept = copy.deepcopy(dict(values))
    for one in found:
        mistakes.append(from_pydantic(one, prefix, _siblings(model, one["loc"])))
        _drop(kept, one["loc"][:-1] if one["type"] == "missing" else one["loc"])
    return model.model_validate(kept)


def _siblings(model: type[BaseModel], path: Sequence[int | str]) -> list[str]:
    """The keys that may stand where the last of `path` stands."""
    for name in path[:-1]:
        field = next(one for key, one in model.model_fields.items() if name in (key, one.alias))
        if not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)):
            return []
        model = field.annotation
    return [one.alias or key for key, one in model.model_fields.items()]


def _drop(values: dict[str, Any], path: Sequence[int | str]) -> None:
    """Takes the value at `path` out of nested `values`, or the list that it is in."""
    for name in path[:-1]:
        inner = values.get(str(name))
        if not isinstance(inner, dict) or not isinstance(name, str):
            break
        values, path = inner, path[1:]
    values.pop(str(path[0]), None)
