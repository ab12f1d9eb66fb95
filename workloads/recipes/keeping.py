"""The step `keep`: every recipe's last, without which no run has succeeded. See `programs.keep`."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from ..hardware import PRICE_DATE, PRICE_REGION
from . import hashing
from .step import Folder, Folders, Processor, Step, ThisMachine

KEEP = "keep"
MINUTES = 3
"""16 GB at the 150 MB/s that the smallest file system reads at take two."""
REHEARSAL_MINUTES = 0.1


def keep(recipe: str, kept: Mapping[str, Folder], steps: Sequence[Step], parameters: BaseModel) -> Step:
    """The step that keeps `kept`, as far as `steps` make it. On a cluster it needs an image that has boto3: theirs.

    Its hash, which is the run's own, follows from what is kept and from the steps that this comes from, and not from
    where it goes.
    """
    by_name = {step.name: step for step in steps}
    made = {name: folder for name, folder in kept.items() if folder.step in by_name}
    sources = {name: Folder(name) for name in by_name if name in _needed(made.values(), by_name)}
    here = all(isinstance(step.placement, ThisMachine) for step in steps)
    return Step(
        name=KEEP,
        program="programs.keep",
        arguments={"recipe": recipe, "keep": Folders(made), "steps": Folders(sources)},
        tuning={"facts": json.dumps(facts(recipe, steps, parameters), sort_keys=True)},
        placement=ThisMachine() if here else Processor(vcpus=4, memory=16),
        launcher="local" if here else "job",
        image=next((step.image for step in steps if step.image), None),
        minutes=REHEARSAL_MINUTES if here else MINUTES,
        limit_hours=4,
    )


def _needed(kept: Any, by_name: Mapping[str, Step]) -> set[str]:
    """The steps that what is kept comes from, at any depth."""
    found: set[str] = set()
    waiting = [folder.step for folder in kept]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += by_name[name].needs
    return found


def facts(recipe: str, steps: Sequence[Step], parameters: BaseModel) -> dict[str, Any]:
    """What was planned, for the run card: parameters, steps, images, prices. Plain values, and no secret."""
    hashes = hashing.hashes(steps)
    return {
        "recipe": recipe,
        "parameters": parameters.model_dump(mode="json"),
        "steps": {step.name: {"hash": hashes[step.name], **_about(step)} for step in steps},
        "prices": {"region": PRICE_REGION, "date": PRICE_DATE},
    }


def _about(step: Step) -> dict[str, Any]:
    image = {"base": step.image.base, "packages": list(step.image.packages)} if step.image else None
    return {
        "program": step.program,
        "machine": step.placement.machine,
        "nodes": step.placement.nodes,
        "image": image,
        "minutes": step.minutes,
        "dollars": step.dollars,
    }
