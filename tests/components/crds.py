"""Custom resources against the schemas of their definitions, where TRAINYARD_CRDS names a folder that has those.

What is checked: fields that the schema does not know (an API server drops them without a word), fields that it asks
for, types, patterns and the values that it lists.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = os.environ.get("TRAINYARD_CRDS", "")

needs_definitions = pytest.mark.skipif(not FOLDER, reason="TRAINYARD_CRDS names no folder of resource definitions")

TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
}


def definition(kind: str, version: str) -> dict[str, Any]:
    """The schema of `kind` at `version`."""
    for path in sorted(Path(FOLDER).glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            if document and document.get("kind") == "CustomResourceDefinition" and names(document) == kind:
                (found,) = [one for one in document["spec"]["versions"] if one["name"] == version]
                return found["schema"]["openAPIV3Schema"]
    raise KeyError(kind)


def names(document: dict[str, Any]) -> str:
    return document["spec"]["names"]["kind"]


def faults(value: Any, schema: dict[str, Any], path: str = "spec") -> Iterator[str]:
    """What the schema finds wrong in `value`: a sentence for each."""
    wanted = schema.get("type")
    if wanted and not isinstance(value, TYPES[wanted]):
        yield f"{path} is no {wanted}"
    elif isinstance(value, dict):
        yield from _in_object(value, schema, path)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from faults(item, schema.get("items", {}), f"{path}[{number}]")
    elif "enum" in schema and value not in schema["enum"]:
        yield f"{path}: {value!r} is none of {schema['enum']}"
    elif "pattern" in schema and not re.search(schema["pattern"], str(value)):
        yield f"{path}: {value!r} does not match {schema['pattern']}"


def _in_object(value: dict[str, Any], schema: dict[str, Any], path: str) -> Iterator[str]:
    known, others = schema.get("properties", {}), schema.get("additionalProperties")
    for name in schema.get("required", []):
        if name not in value:
            yield f"{path} lacks {name}"
    for name, inner in value.items():
        if name in known:
            yield from faults(inner, known[name], f"{path}.{name}")
        elif isinstance(others, dict):
            yield from faults(inner, others, f"{path}.{name}")
        elif known:
            yield f"{path}.{name} is unknown"
