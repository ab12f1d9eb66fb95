"""Which image a step really ran, by its digest: a tag may mean another one tomorrow.

Only a node knows, so the run notes it while the step's pods are there, beside the step's folder; the run card reads it.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from . import folders

FOLDER = ".images"
DIGEST = re.compile(r"sha256:[0-9a-f]{64}$")


def of_pods(pods: Iterable[Mapping[str, Any]]) -> str | None:
    """The digest that a node tells of a pod's image, as sha256:…; None where none has pulled it yet."""
    told = (one.get("imageID") or "" for pod in pods for one in pod.get("status", {}).get("containerStatuses") or ())
    return next((found[0] for found in map(DIGEST.search, told) if found), None)


def note(folder: Path, digest: str) -> None:
    """Notes the digest of the image that the step with this folder runs; OSError where that cannot be."""
    place = _place(folder)
    place.parent.mkdir(parents=True, exist_ok=True)
    folders.write_atomically(place, digest)


def noted(folder: Path) -> str | None:
    """What was noted for the step with this folder."""
    try:
        text = _place(folder).read_text()
    except (OSError, ValueError):
        return None
    return text if DIGEST.fullmatch(text) else None


def _place(folder: Path) -> Path:
    return folder.parent / FOLDER / folder.name
