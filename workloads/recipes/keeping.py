"""The step `keep`: every recipe's last, without which no run has succeeded. See `programs.keep`."""

from collections.abc import Mapping, Sequence
from typing import Any

from .step import Folder, Folders, Processor, Step, ThisMachine

KEEP = "keep"
FACTS = "facts"
"""Its argument with what the run card tells and no step's folder does, in JSON: whoever makes a run sets it."""

MINUTES = 3
"""16 GB at the 150 MB/s that the smallest file system reads at take two."""
REHEARSAL_MINUTES = 0.1


def keep(recipe: str, kept: Mapping[str, Folder], steps: Sequence[Step]) -> Step:
    """The step that keeps `kept`, as far as `steps` make it. On a cluster it needs an image that has boto3: theirs.

    Its hash, which is the run's own, follows from what is kept and from the steps that this comes from, and not from
    where it goes.
    """
    by_name = {step.name: step for step in steps}
    made = {name: folder for name, folder in kept.items() if folder.step in by_name}
    needed = _needed(made.values(), by_name) if made else set(by_name)  # the card alone is of all of them
    sources = {name: Folder(name) for name in by_name if name in needed}
    here = all(isinstance(step.placement, ThisMachine) for step in steps)
    return Step(
        name=KEEP,
        program="programs.keep",
        arguments={"recipe": recipe, **({"keep": Folders(made)} if made else {}), "steps": Folders(sources)},
        tuning={FACTS: "{}"},
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
