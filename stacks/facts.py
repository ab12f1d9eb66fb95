"""What a run card tells that the steps' folders cannot: the facts that the program hands over, as plain JSON values.

They are chosen one by one, so that nothing of a config gets into a card by being added to it: no token, no address of a
person, no path of a kubeconfig.
"""

import platform
from collections.abc import Mapping
from importlib import metadata
from typing import Any

from workloads.hardware import PEAK_SOURCE, PRICE_DATE, PRICE_REGION
from workloads.recipes import Step
from workloads.recipes.keeping import KEEP
from workloads.recipes.step import Folder, Neuron, ThisMachine

from .run import Run
from .settings import Settings

PACKAGES = ("torch", "transformers", "peft", "accelerate", "datasets", "numpy")
"""What steps on this machine train with; in a container the image's own list tells."""

EVERY_WEIGHT, ADAPTERS = 6, 4
"""Floating-point operations for each weight and token of a training: 2 forward, 2 for the gradients of what a layer
was given, and 2 for those of its weights, which frozen ones need not (Kaplan et al. 2020, arXiv 2001.08361)."""


def facts(run: Run, settings: Settings, images: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The facts of `run`; `images` has the references that its pods really use, by the recipe's names."""
    return {
        "recipe": run.recipe.name,
        "platform": settings.platform,
        "config": _config(settings),
        "parameters": run.parameters.model_dump(mode="json"),
        "versions": _versions(settings),
        "images": _images(run, images or {}),
        "prices": {"region": PRICE_REGION, "date": PRICE_DATE},
        "peak_source": PEAK_SOURCE,
        "data": _data(run),
        "steps": [_step(step, run) for step in run.chosen if step.name != KEEP],
    }


def _config(settings: Settings) -> dict[str, Any]:
    chosen: dict[str, Any] = {"steps": settings.steps.model_dump(by_alias=True, exclude_none=True)}
    if settings.resume_from:
        chosen["resumeFrom"] = f"{settings.resume_from.step}-{settings.resume_from.hash}"
    if settings.platform == "local":
        return chosen
    nodes = settings.nodes.model_dump(mode="json", by_alias=True, include={"instance_type", "count", "efa"})
    capacity = settings.nodes.reservation.kind if settings.nodes.reservation else "on-demand"
    return {**chosen, "nodes": {**nodes, "capacity": capacity}}


def _versions(settings: Settings) -> dict[str, str]:
    own = {"trainyard": _version("trainyard")}
    if settings.platform == "local":
        return {**own, "python": platform.python_version(), **{name: _version(name) for name in PACKAGES}}
    return {**own, "kubernetes": settings.keys.cluster.kubernetes} if settings.platform == "eks" else own


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _images(run: Run, used: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    images = {step.image.name: step.image for step in run.chosen if step.image}
    references = {name: used.get(name, image.base) for name, image in images.items()}
    return {
        name: {
            "reference": references[name],
            "digest": references[name].partition("@")[2] or None,
            "base": image.base,
            "packages": list(image.packages),
        }
        for name, image in images.items()
    }


def _data(run: Run) -> str | None:
    """The step that left what training reads; None where no step reads any."""
    values = (step.arguments.get("data") for step in run.steps if _operations(step))
    return next((value.step for value in values if isinstance(value, Folder)), None)


def _step(step: Step, run: Run) -> dict[str, Any]:
    placement = step.placement
    here = isinstance(placement, ThisMachine)
    return {
        "name": step.name,
        "hash": run.hashes[step.name],
        "machine": placement.machine,
        "image": step.image.name if step.image else None,
        "nodes": placement.nodes,
        "dollars_per_hour": 0.0 if here else placement.instance.dollars_per_hour,
        "expected_minutes": step.minutes,
        "peak_tflops": placement.instance.peak_tflops if isinstance(placement, Neuron) else None,
        "operations": _operations(step),
    }


def _operations(step: Step) -> int | None:
    """For each weight and token; None where the step trains nothing."""
    if "learning_rate" not in step.arguments:
        return None
    return ADAPTERS if step.arguments.get("lora_rank") else EVERY_WEIGHT
