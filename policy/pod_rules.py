"""Rules over pods: none has more of its node, or of the cluster, than it makes use of."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from .rule import Props, Rule

Spec = Mapping[str, Any]
PodCheck = Callable[[Spec], Iterator[str]]

WORKLOADS = (":Job", ":CronJob", ":Deployment", ":StatefulSet", ":DaemonSet", ":Pod", ":ConfigMap")
MANIFEST = "objects.json"
"""Key of a ConfigMap whose objects the run makes."""

EXCEPTIONS: Mapping[tuple[str, str], str] = {
    ("no-privileges", "neuron-monitor"): "reads the counters of every Neuron device, which no device plugin hands out",
    ("no-escalation", "neuron-monitor"): "a privileged container cannot be without it",
    ("ordinary-user", "neuron-monitor"): "opens the devices of its node",
    ("no-escalation", "buildkit"): "newuidmap and newgidmap, which make its user namespace, are setuid",
    ("ordinary-user", "step"): "the Neuron images are made for root, and the folders on the shared volume are root's",
    ("ordinary-user", "submitter"): "hands a Ray job over from the image that the step runs in",
    ("own-token", "run"): "makes the steps' objects, and looks at them",
    ("own-token", "mpi-operator"): "makes the pods of MPIJobs, and looks at them",
    ("own-token", "ttl"): "stops the run and its steps",
}
"""A rule and a container that need not keep it, each with the reason."""


def specs(value: Any) -> Iterator[Spec]:
    """Every pod's specification below `value`."""
    if isinstance(value, Mapping) and "containers" in value:
        yield value
    elif isinstance(value, (Mapping, Sequence)) and not isinstance(value, str):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from specs(item)


def pods(kind: str, props: Props) -> Iterator[Spec]:
    """The pods that an object makes, or has the run make."""
    if not kind.endswith(":ConfigMap"):
        yield from specs(props.get("spec"))
    elif MANIFEST in (props.get("data") or {}):
        yield from specs(json.loads(props["data"][MANIFEST]))


def _containers(spec: Spec) -> list[Mapping[str, Any]]:
    return [*(spec.get("initContainers") or []), *spec["containers"]]


def _each(rule: str, wrong: Callable[[Spec, Mapping[str, Any]], Any], says: str) -> PodCheck:
    """A check that no container may fail but those named above."""

    def check(spec: Spec) -> Iterator[str]:
        for one in _containers(spec):
            if (rule, one["name"]) not in EXCEPTIONS and wrong(spec, one):
                yield f"the container {one['name']} {says}"

    return check


def _context(spec: Spec, container: Mapping[str, Any]) -> Mapping[str, Any]:
    """A container's security context, with what it has from its pod's."""
    return {**(spec.get("securityContext") or {}), **(container.get("securityContext") or {})}


def _escalates(spec: Spec, container: Mapping[str, Any]) -> bool:
    return _context(spec, container).get("allowPrivilegeEscalation", True)


def _is_root(spec: Spec, container: Mapping[str, Any]) -> bool:
    context = _context(spec, container)
    return not context.get("runAsNonRoot") or context.get("runAsUser") == 0


def _moves(_: Spec, container: Mapping[str, Any]) -> bool:
    image = container["image"]
    return "@sha256:" not in image and not re.search(r":(?!latest$)[\w][\w.-]*$", image)


def _asks_for_nothing(_: Spec, container: Mapping[str, Any]) -> bool:
    requests = (container.get("resources") or {}).get("requests") or {}
    return not {"cpu", "memory"} <= set(requests)


def _node(spec: Spec) -> Iterator[str]:
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(name):
            yield f"shares its node's {name.removeprefix('host')}"
    for volume in spec.get("volumes") or []:
        if "hostPath" in volume:
            yield f"mounts {volume['hostPath'].get('path')} of its node"


def _token(spec: Spec) -> Iterator[str]:
    names = {one["name"] for one in spec["containers"]}
    uses = any(("own-token", name) in EXCEPTIONS for name in names)
    if spec.get("automountServiceAccountToken", True) and not uses:
        yield "gets a token for the cluster's API, and makes no use of it (automountServiceAccountToken)"


CHECKS: Mapping[str, tuple[str, PodCheck]] = {
    "no-privileges": (
        "No container is privileged.",
        _each("no-privileges", lambda spec, one: _context(spec, one).get("privileged"), "is privileged"),
    ),
    "no-escalation": (
        "No container can gain privileges.",
        _each("no-escalation", _escalates, "can gain privileges (allowPrivilegeEscalation)"),
    ),
    "ordinary-user": (
        "Containers run as an ordinary user.",
        _each("ordinary-user", _is_root, "may run as root (runAsNonRoot)"),
    ),
    "own-node": ("Pods share nothing with their node.", _node),
    "known-requests": (
        "Containers say what they need.",
        _each("known-requests", _asks_for_nothing, "does not say what vCPUs and memory it needs"),
    ),
    "fixed-images": (
        "Images are named by a tag that stays, or a digest.",
        _each("fixed-images", _moves, "has an image whose tag moves"),
    ),
    "own-token": ("Pods get a token only to use it.", _token),
}


def _rule(name: str, says: str, check: PodCheck) -> Rule:
    def over(kind: str, props: Props) -> Iterator[str]:
        for spec in pods(kind, props):
            yield from check(spec)

    return Rule(name=name, says=says, types=WORKLOADS, check=over)


RULES: tuple[Rule, ...] = tuple(_rule(name, says, check) for name, (says, check) in CHECKS.items())
