"""A step's hash: what its result depends on, in plain values, and nothing else.

It covers the sources of the program's import closure, the arguments that change the result, the image's content key,
how many processes take part, and the hashes of the steps it reads from. It leaves out limits, retries, logging,
checkpoint frequency, registries and where things lie. So a changed learning rate runs training anew and what follows
it, and not the preparation of the data; and a recipe switched away and back runs nothing.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from . import sources
from .step import Earlier, File, Folder, Folders, Step, Value

LENGTH = 10
"""Hexadecimal digits: 40 bits, so that two of a thousand steps agree by chance once in two million recipes."""


def hashes(steps: Iterable[Step]) -> dict[str, str]:
    """Each step's hash by its name. The steps come in an order in which each follows those that it needs."""
    known: dict[str, str] = {}
    for step in steps:
        text = json.dumps(identity(step, known), sort_keys=True)
        known[step.name] = hashlib.sha256(text.encode()).hexdigest()[:LENGTH]
    return known


def identity(step: Step, known: Mapping[str, str]) -> dict[str, Any]:
    """The plain values that the hash of `step` is made of; `known` has the hashes of the steps it needs."""
    placement = step.placement
    processes = getattr(placement, "processes", 1)
    nodes = [placement.nodes, processes] if processes > 1 else []
    return {
        "program": step.program,
        "sources": sources.digest(step.program),
        "arguments": {name: _plain(value) for name, value in step.arguments.items()},
        "image": step.image.key if step.image else None,
        "nodes and processes": nodes,
        "needs": {name: known[name] for name in step.needs},
    }


def _plain(value: Value) -> Any:
    if isinstance(value, Folder):
        return {"step": value.step, "path": value.path}
    if isinstance(value, Folders):
        return {name: _plain(folder) for name, folder in value.named.items()}
    if isinstance(value, Earlier):
        return {"step": value.step, "hash": value.hash}
    if isinstance(value, File):
        return {"content": hashlib.sha256(value.path.read_bytes()).hexdigest() if value.path.is_file() else None}
    return list(value) if isinstance(value, tuple) else value
