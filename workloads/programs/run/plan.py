"""What a run is to carry out, as it is handed over in a file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STEP_LABEL = "trainyard.dev/step"
HASH_LABEL = "trainyard.dev/hash"
DIGEST = "trainyard.dev/manifest"
"""Annotation of a step's object: digest of the manifest that it was made from."""
RUN = "trainyard.dev/run"
"""Annotation of a step's object: the run that made it."""
RUNNING_SINCE = "trainyard.dev/running-since"
"""Annotation of a step's object: when all its pods first ran, in seconds since 1970."""
PODS = "trainyard.dev/pods"
"""Annotation of a step's object: how many pods run when all of them do."""
OWNED = {"app.kubernetes.io/managed-by": "trainyard"}
"""The label by which a step's object is known."""


@dataclass(frozen=True, slots=True)
class StepPlan:
    """One step: `config_map` holds its objects, `folder` (below the shared volume) is what it fills."""

    name: str
    hash: str
    config_map: str
    digest: str
    folder: str
    needs: tuple[str, ...]
    limit_seconds: float

    @property
    def title(self) -> str:
        return f"{self.name}-{self.hash}"


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps in order, and what they need of the folders that earlier runs have filled.

    `folders` has the folder of every step that another one needs, also of those that this run leaves out.
    """

    recipe: str
    steps: tuple[StepPlan, ...]
    folders: Mapping[str, str]
    capacity_seconds: float

    @property
    def names(self) -> set[str]:
        return {step.name for step in self.steps}


def read(path: Path) -> Plan:
    return parse(json.loads(path.read_text()))


def parse(raw: Mapping[str, Any]) -> Plan:
    """The plan that `as_json` wrote."""
    steps = tuple(StepPlan(**{**step, "needs": tuple(step["needs"])}) for step in raw["steps"])
    return Plan(raw["recipe"], steps, raw["folders"], raw["capacity_seconds"])
