"""Rules over several settings at once. Each says what cannot be, and what can.

A rule names the keys it looks at; where one of them is wrong already, the rule keeps silent rather than complain of a
default that the user never wrote.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from components import limits
from workloads.hardware import trainium
from workloads.recipes.estimating import LONGEST_HOURS

from . import rules_eks, rules_spend
from .groups import DEFAULT_TARGET
from .mistakes import TOKEN, Mistake, unknown

if TYPE_CHECKING:
    from .config import RawConfig
    from .settings import Settings

Path = tuple[str, ...]
INSTANCE, COUNT, EFA, RECIPE, PLATFORM = (
    ("nodes", "instanceType"),
    ("nodes", "count"),
    ("nodes", "efa"),
    ("recipe",),
    ("platform",),
)
PARAMETERS, STORAGE = ("parameters",), ("existing",)
TARGET = ("results", "target")
CLAIM, NAMESPACE = ("existing", "claim"), ("existing", "namespace")

RUN_IMAGE = "run"
"""What `trainyard:images` calls the image of the run itself: any that has Python."""

OPERATORS = {"ray": ("kuberay",), "mpi": ("mpi-operator",)}
"""What a launcher needs to be installed."""


def plain_secrets(raw: "RawConfig") -> Iterator[Mistake]:
    """A token that everyone who reads the stack's file can read: under its own key, or anywhere else."""
    for key, value in raw.values.items():
        if key in raw.secrets:
            continue
        if (key == "hfToken" and value) or TOKEN.search(str(value)):
            yield Mistake(
                (key,),
                "holds a secret in plain text. Take it out of the file, make a new token on huggingface.co, and run "
                "`pulumi config set --secret trainyard:hfToken`.",
            )


def ignored(changed: Collection[str], platform: str) -> list[Mistake]:
    """The keys among `changed`, which differ from their defaults, that `platform` makes no use of."""
    return [
        Mistake((key,), f"has no effect on the platform {platform}.")
        for key, platforms in ONLY_ON.items()
        if key in changed and platform not in platforms
    ]


CLUSTERS = ("eks", "existing")
ONLY_ON = {
    "nodes": CLUSTERS,
    "images": CLUSTERS,
    "wait": CLUSTERS,
    "capacityTimeout": CLUSTERS,
    "maxSpend": CLUSTERS,
    "results": CLUSTERS,
    **dict.fromkeys(
        ("provisioner", "cluster", "network", "storage", "observability", "workbench", "guard", "charts"), ("eks",)
    ),
    "existing": ("existing",),
    "local": ("local",),
}
"""Keys that some platforms make no use of, with those that do."""


def misfits(settings: "Settings", wrong: Sequence[Path]) -> list[Mistake]:
    """What does not go together in `settings`; `wrong` are the keys already known to be mistaken."""
    found: list[Mistake] = []
    rules = (*RULES, *(EKS_RULES if settings.platform == "eks" else ()))
    for looks_at, rule in rules:
        if not any(_touch(path, bad) for path in looks_at for bad in wrong):
            found += [mistake for mistake in rule(settings) if mistake.path not in wrong]
    return found


def _touch(path: Path, other: Path) -> bool:
    """Whether one of the two keys is the other, or a group that holds it."""
    shared = min(len(path), len(other))
    return path[:shared] == other[:shared]


def _instance_of_recipe(settings: "Settings") -> Iterator[Mistake]:
    name, recipe = settings.nodes.instance_type, settings.recipe
    if name not in recipe.instances:
        yield Mistake(INSTANCE, f"{recipe.name} cannot train on {name}. Allowed: {', '.join(recipe.instances)}.")


def _nodes_of_recipe(settings: "Settings") -> Iterator[Mistake]:
    count, most = settings.nodes.count, settings.recipe.most_nodes
    if count > most:
        yield Mistake(COUNT, f"{settings.recipe.name} can use {most} nodes at the most, not {count}.")


def _efa(settings: "Settings") -> Iterator[Mistake]:
    instance = trainium(settings.nodes.instance_type)
    if settings.nodes.efa and not instance.efa_interfaces:
        yield Mistake(
            EFA, f"{instance.name} has no Elastic Fabric Adapter. Leave the key out, or take a 32xlarge or larger."
        )


def _parameters(settings: "Settings") -> Iterator[Mistake]:
    for name, text in settings.parameters.misfits(settings.fleet).items():
        yield Mistake(("parameters", name), f"{text}.")


def _time(settings: "Settings") -> Iterator[Mistake]:
    """Refuses what would take longer than any deadline."""
    for step in settings.recipe.steps(settings.parameters, settings.fleet):
        if step.minutes / 60 > LONGEST_HOURS:
            yield Mistake(
                PARAMETERS,
                f"the step {step.name} would take {step.minutes / 60:,.0f} hours, and Kubernetes has no deadline after "
                f"more than {LONGEST_HOURS:,.0f}. Lower what it is to do.",
            )


def _step_range(settings: "Settings") -> Iterator[Mistake]:
    names = settings.recipe.step_names(rehearsal=settings.platform == "local")
    asked = {"from": settings.steps.first, "to": settings.steps.last}
    for key, name in asked.items():
        if name is not None and name not in names:
            near = unknown(name, names, "step")
            yield Mistake(("steps", key), f"{name!r}: {near} They run in the order {', '.join(names)}.")
    first, last = (name if name in names else None for name in asked.values())
    if first and last and names.index(first) > names.index(last):
        yield Mistake(("steps",), f"'from' ({first}) comes after 'to' ({last}). The order is {', '.join(names)}.")


def _storage(settings: "Settings") -> Iterator[Mistake]:
    existing = settings.existing
    if settings.platform != "existing":
        return
    if existing.claim and existing.storage_class:
        yield Mistake(CLAIM, "and existing.storageClass are both given. Name a claim, or the class to make one of.")
    elif not existing.claim and not existing.storage_class:
        yield Mistake(
            CLAIM,
            "is missing. Name a ReadWriteMany claim that is there, or set existing.storageClass to make one.",
        )
    elif existing.claim and not existing.namespace:
        yield Mistake(NAMESPACE, f"is missing: in which namespace is the claim {existing.claim}?")


def _results(settings: "Settings") -> Iterator[Mistake]:
    """Where results go is set by another key on each platform, and one that does nothing would be believed."""
    given = settings.results
    if settings.platform == "eks":
        for key, value in (("target", given.target != DEFAULT_TARGET), ("serviceAccount", given.service_account)):
            if value:
                yield Mistake(("results", key), "is for the platform existing. On eks name a bucket: results.bucket.")
    if settings.platform != "existing":
        return
    if given.bucket:
        yield Mistake(("results", "bucket"), "is for the platform eks. On existing set results.target: s3://bucket.")
    yield from _target(given.target)
    if given.service_account and not settings.existing.namespace:
        yield Mistake(NAMESPACE, f"is missing: in which namespace is the service account {given.service_account}?")


def _target(target: str) -> Iterator[Mistake]:
    place = PurePosixPath(target)
    if target.startswith("s3:"):
        fault = limits.s3_folder_fault(target)
        if fault:
            yield Mistake(TARGET, fault)
    elif place.parts[:2] != ("/", "shared") or ".." in place.parts or len(place.parts) < 3:
        yield Mistake(
            TARGET, f"{target!r} is no place for results. Allowed: a folder below /shared, or s3://bucket/prefix."
        )
    elif place.parts[2] in TAKEN:
        yield Mistake(
            TARGET, f"{target!r} lies where steps write. Allowed: {DEFAULT_TARGET}, or another folder below /shared."
        )


TAKEN = ("runs", "neuron-cache", "huggingface", "data")
"""Folders of the shared volume that are something else."""


def _images(settings: "Settings") -> Iterator[Mistake]:
    if settings.platform == "local":
        return
    steps = settings.recipe.steps(settings.parameters, settings.fleet)
    known = {step.image.name: step.image for step in steps if step.image}
    for name in settings.images:
        if name not in {*known, RUN_IMAGE}:
            yield Mistake(("images", name), unknown(name, [*known, RUN_IMAGE], "image"))
    if settings.platform != "existing":
        return
    for name, image in known.items():
        if image.on_top and name not in settings.images:
            yield Mistake(
                ("images", name),
                f"is missing: the recipe needs {image.base} with {', '.join(image.on_top)} on top. Build that, "
                "push it where the cluster can pull it, and name it here.",
            )


def _resume_from(settings: "Settings") -> Iterator[Mistake]:
    wanted = settings.resume_from
    names = [step.name for step in settings.recipe.steps(settings.parameters, settings.fleet) if step.resumes]
    if wanted and wanted.step not in names:
        yield Mistake(
            ("resumeFrom",),
            f"{wanted.step!r} is no step of {settings.recipe.name} that leaves checkpoints. "
            f"Allowed: {', '.join(names)}.",
        )


def _launchers(settings: "Settings") -> Iterator[Mistake]:
    if settings.platform != "existing":
        return
    for step in settings.recipe.steps(settings.parameters, settings.fleet):
        for operator in OPERATORS.get(step.launcher, ()):
            if operator not in settings.existing.operators:
                yield Mistake(
                    ("existing", "operators"),
                    f"lacks {operator}, which launches the step {step.name}. Install it in the cluster, and add it.",
                )


RULES: tuple[tuple[tuple[Path, ...], Callable[[Any], Iterator[Mistake]]], ...] = (
    ((RECIPE, INSTANCE), _instance_of_recipe),
    ((RECIPE, COUNT), _nodes_of_recipe),
    ((INSTANCE, EFA), _efa),
    ((PLATFORM, RECIPE, INSTANCE, COUNT), _parameters),
    ((PLATFORM, RECIPE, PARAMETERS, INSTANCE, COUNT), _time),
    ((PLATFORM, RECIPE), _step_range),
    ((PLATFORM, STORAGE), _storage),
    ((PLATFORM, STORAGE, ("results",)), _results),
    ((PLATFORM, RECIPE, PARAMETERS, INSTANCE, COUNT, ("images",)), _images),
    ((PLATFORM, RECIPE, PARAMETERS, INSTANCE, COUNT, ("resumeFrom",)), _resume_from),
    ((PLATFORM, RECIPE, PARAMETERS, INSTANCE, COUNT, STORAGE), _launchers),
    ((PLATFORM, RECIPE, PARAMETERS, ("nodes",), ("steps",), rules_spend.MAX_SPEND), rules_spend.limit),
)
"""Each rule with the keys that it looks at."""

EKS_RULES: tuple[tuple[tuple[Path, ...], Callable[[Any], Iterator[Mistake]]], ...] = (
    ((rules_eks.NETWORK,), rules_eks.addresses),
    ((rules_eks.CLUSTER,), rules_eks.cluster),
    ((rules_eks.STORAGE,), rules_eks.file_system),
    ((rules_eks.RESULTS,), rules_eks.bucket),
    ((rules_eks.NODES,), rules_eks.reservation),
    ((rules_eks.GUARD,), rules_eks.alarm),
    ((rules_eks.OBSERVABILITY,), rules_eks.logs),
)
"""The same, where the platform is `eks`."""
