"""What a recording holds, seen by the contract: objects, the pods they make, and what must be there before what."""

import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from components.step import OBJECTS
from stacks.recorder import Recorded, Recording

from .nodes import NodeKind

KUBERNETES = "kubernetes:"
CHARTS = ("kubernetes:helm.sh/v3:Release", "kubernetes:helm.sh/v4:Chart")
PROVIDED = frozenset({"kube-system", "default"})
"""Namespaces that every cluster has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What is there without the graph: on `existing`, what its settings say the cluster offers."""

    namespaces: frozenset[str] = PROVIDED
    claims: frozenset[tuple[str, str]] = frozenset()
    """Namespace and name."""
    nodes: tuple[NodeKind, ...] = ()
    resources: frozenset[str] = frozenset()
    """Extended resources that nodes have."""
    images: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pods:
    """The pods that one object makes: `count` of them at a time. `by` is the resource that the object comes with."""

    by: Recorded
    kind: str
    name: str
    namespace: str
    spec: Mapping[str, Any]
    count: int
    is_step: bool = False

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def containers(self) -> list[Mapping[str, Any]]:
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]

    @property
    def volumes(self) -> list[Mapping[str, Any]]:
        return self.spec.get("volumes", [])

    def requests(self) -> dict[str, float]:
        """What one pod asks for: its containers together, or its most demanding initial one."""
        asked: dict[str, float] = {}
        for container in self.spec["containers"]:
            for name, amount in _requests(container).items():
                asked[name] = asked.get(name, 0) + amount
        for container in self.spec.get("initContainers", []):
            for name, amount in _requests(container).items():
                asked[name] = max(asked.get(name, 0), amount)
        return asked


def _requests(container: Mapping[str, Any]) -> dict[str, float]:
    resources = container.get("resources", {})
    asked = {**resources.get("limits", {}), **resources.get("requests", {})}
    return {name: quantity(amount) for name, amount in asked.items()}


UNITS = {"": 1, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def quantity(text: Any) -> float:
    """A Kubernetes quantity such as 100m, 3 or 20Gi, as a number."""
    match = re.fullmatch(r"([0-9.]+)([a-zA-Z]*)", str(text))
    if not match:
        raise ValueError(f"{text!r} is no quantity")
    return float(match[1]) * UNITS[match[2]]


@dataclass(frozen=True)
class Graph:
    recording: Recording
    given: Given = field(default_factory=Given)

    @property
    def resources(self) -> list[Recorded]:
        return self.recording.resources

    @functools.cached_property
    def by_urn(self) -> dict[str, Recorded]:
        return {one.urn: one for one in self.resources}

    def all(self, *types: str) -> list[Recorded]:
        """The resources of these types, by the types' last part or whole."""
        return [one for one in self.resources if one.type in types or one.type.rpartition(":")[2] in types]

    @functools.cached_property
    def objects(self) -> list[Recorded]:
        """Kubernetes objects that are declared one by one."""
        return [one for one in self.resources if one.type.startswith(KUBERNETES) and one.type not in CHARTS]

    def named(self, kind: str, namespace: str | None = None) -> dict[str, Recorded]:
        """The objects of `kind` by their names; in `namespace` only, if given."""
        return {
            name_of(one): one
            for one in self.objects
            if one.type.endswith(f":{kind}") and namespace in (None, one.inputs.get("metadata", {}).get("namespace"))
        }

    @functools.cached_property
    def pods(self) -> list[Pods]:
        return [pods for one in self.objects for pods in _pods_of(one)]

    def before(self, urn: str) -> set[str]:
        """All that must be there before the resource, over its parents, providers and dependencies."""
        if urn not in self._before:
            self._before[urn] = set()
            direct = self._direct(urn)
            self._before[urn] = set(direct).union(*(self.before(one) for one in direct))
        return self._before[urn]

    @functools.cached_property
    def _before(self) -> dict[str, set[str]]:
        return {}

    def _direct(self, urn: str) -> list[str]:
        one = self.by_urn.get(urn)
        if one is None:
            return []
        return [*one.depends_on, one.parent, one.request.provider.rpartition("::")[0]]

    def waits_for(self, one: Recorded, other: Recorded) -> bool:
        return other.urn in self.before(one.urn)


def name_of(one: Recorded) -> str:
    """An object's name in the cluster; where the cluster makes it up, the resource's."""
    return one.inputs.get("metadata", {}).get("name", one.name)


def _pods_of(one: Recorded) -> Iterator[Pods]:
    for text in (one.inputs.get("data") or {}).values() if one.type.endswith(":ConfigMap") else ():
        if OBJECTS in one.inputs["data"] and text == one.inputs["data"][OBJECTS]:
            for manifest in json.loads(text):
                yield from _pods_in(one, manifest, is_step=True)
    kind = one.type.rpartition(":")[2]
    yield from _pods_in(one, {"kind": kind, **one.inputs}, is_step=False)


def _pods_in(one: Recorded, manifest: Mapping[str, Any], *, is_step: bool) -> Iterator[Pods]:
    metadata = manifest.get("metadata", {})
    for spec, count in _templates(manifest.get("spec", {}), 1):
        yield Pods(
            by=one,
            kind=manifest["kind"],
            name=metadata.get("name", one.name),
            namespace=metadata.get("namespace", ""),
            spec=spec,
            count=int(count),
            is_step=is_step,
        )


def _templates(value: Any, count: float) -> Iterator[tuple[Mapping[str, Any], float]]:
    """Every pod's specification below `value`, with how many pods there are of it at once."""
    if isinstance(value, list):
        for item in value:
            yield from _templates(item, count)
    if not isinstance(value, dict):
        return
    if isinstance(value.get("containers"), list):
        yield value, count
        return
    own = next((value[key] for key in ("parallelism", "replicas") if isinstance(value.get(key), (int, float))), count)
    for item in value.values():
        yield from _templates(item, own)
