"""Kinds of nodes that a graph's groups and pools bring: labels, taints, and what pods may ask of one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stacks.recorder import Recorded
from workloads.hardware import PROCESSORS, TRAINIUM, USABLE_SHARE, InstanceType

if TYPE_CHECKING:
    from .model import Graph

NEURON, EFA = "aws.amazon.com/neuron", "vpc.amazonaws.com/efa"
INSTANCE = "node.kubernetes.io/instance-type"
TEMPLATE = "k8s.io/cluster-autoscaler/node-template/resources/"
KNOWN_BY_TYPE = frozenset({"cpu", "memory", "pods"})
"""What the autoscaler knows of a node that is not there yet, by its instance type alone."""

CORE = InstanceType(name="m7i.xlarge", vcpus=4, memory=16, dollars_per_hour=0.2016)
MACHINES = {one.name: one for one in (*TRAINIUM, *PROCESSORS, CORE)}


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeKind:
    """`knows` is what whoever starts such a node believes that it will have; None: everything."""

    name: str
    machine: InstanceType
    labels: Mapping[str, str]
    taints: tuple[Mapping[str, Any], ...] = ()
    most: float = float("inf")
    """How many of them there can be."""
    limits: Mapping[str, float] = field(default_factory=dict)
    knows: frozenset[str] | None = None
    by: Recorded | None = None

    @property
    def allocatable(self) -> dict[str, float]:
        """What pods may ask of it. EKS keeps back 6% of the first vCPU, 1% of the next, and so on down."""
        vcpus = self.machine.vcpus
        kept = 0.06 + 0.01 + 0.005 * min(2, vcpus - 2) + 0.0025 * max(0, vcpus - 4)
        devices = {NEURON: self.machine.neuron_devices, EFA: self.machine.efa_interfaces}
        return {"cpu": vcpus - kept, "memory": self.machine.memory * USABLE_SHARE * 2**30, **devices}


def kinds(graph: "Graph") -> list[NodeKind]:
    """All kinds of nodes that there can be."""
    groups = [_of_group(graph, one) for one in graph.all("aws:eks/nodeGroup:NodeGroup")]
    pools = [kind for one in graph.all("NodePool") for kind in _of_pool(one)]
    return [*groups, *pools, *graph.given.nodes]


def _of_group(graph: "Graph", one: Recorded) -> NodeKind:
    scaling = one.inputs["scalingConfig"]
    names = one.inputs.get("instanceTypes") or [_template(graph, one)["instanceType"]]
    machine = MACHINES[names[0]]
    tags = [tag for tag in graph.all("aws:autoscaling/tag:Tag") if one.urn in tag.depends_on]
    told = {tag.inputs["tag"]["key"]: tag.inputs["tag"]["value"] for tag in tags} | one.inputs.get("tags", {})
    known = {key.removeprefix(TEMPLATE) for key in told if key.startswith(TEMPLATE)}
    return NodeKind(
        name=one.name,
        machine=machine,
        labels={INSTANCE: machine.name, **one.inputs.get("labels", {})},
        taints=tuple(_taint(taint) for taint in one.inputs.get("taints", [])),
        most=scaling["maxSize"],
        # of a group that always has a node, the autoscaler looks at that one
        knows=None if scaling["minSize"] else KNOWN_BY_TYPE | known,
        by=one,
    )


def _taint(taint: Mapping[str, Any]) -> Mapping[str, Any]:
    """As a node bears it: EKS says NO_SCHEDULE for NoSchedule."""
    return {**taint, "effect": taint["effect"].title().replace("_", "")}


def _template(graph: "Graph", group: Recorded) -> Mapping[str, Any]:
    urns = group.request.propertyDependencies["launchTemplate"].urns
    found = (graph.by_urn[urn] for urn in urns)
    return next(one.inputs for one in found if one.type.endswith(":LaunchTemplate"))


def _of_pool(one: Recorded) -> Iterator[NodeKind]:
    spec = one.inputs["spec"]
    template, limits = spec["template"], spec.get("limits", {})
    wanted = {rule["key"]: rule for rule in template["spec"]["requirements"]}
    for machine in MACHINES.values():
        if all(_meets(machine, rule) for rule in wanted.values()) and machine.vcpus <= float(limits.get("cpu", 1e9)):
            single = {key: rule["values"][0] for key, rule in wanted.items() if _is_single(rule)}
            labels = {**single, INSTANCE: machine.name, **template["metadata"].get("labels", {})}
            yield NodeKind(
                name=one.name,
                machine=machine,
                labels=labels,
                taints=tuple(template["spec"].get("taints", [])),
                most=float(limits.get("nodes", "inf")),
                limits={key: float(limits[key]) for key in (NEURON, "cpu") if key in limits},
                # Karpenter counts the root volume and a type's devices; not what a plugin makes up
                knows=KNOWN_BY_TYPE | {"ephemeral-storage", NEURON, EFA},
                by=one,
            )


def _is_single(rule: Mapping[str, Any]) -> bool:
    return rule["operator"] == "In" and len(rule["values"]) == 1


def _meets(machine: InstanceType, rule: Mapping[str, Any]) -> bool:
    """Whether a machine meets a requirement, as far as its name tells; the rest is taken for met."""
    family, generation = machine.name[0], machine.name[1]
    is_trainium = machine.neuron_devices > 0
    facts = {
        INSTANCE: machine.name,
        "karpenter.k8s.aws/instance-category": "trn" if is_trainium else family,
        "karpenter.k8s.aws/instance-generation": "1" if is_trainium else generation,
    }
    if rule["key"] not in facts:
        return True
    fact = facts[rule["key"]]
    return fact in rule["values"] if rule["operator"] == "In" else float(fact) > float(rule["values"][0])


def tolerates(spec: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    return any(_covers(one, taint) for one in spec.get("tolerations", []))


def _covers(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    same_key = toleration.get("key") in (None, "", taint["key"])
    exists = toleration.get("operator", "Equal") == "Exists"
    same_value = exists or toleration.get("value", "") == taint.get("value", "")
    return same_key and same_value and toleration.get("effect") in (None, "", taint.get("effect"))


def wanted_labels(spec: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The labels that a pod asks of its node, each with the values that would do."""
    for key, value in (spec.get("nodeSelector") or {}).items():
        yield key, (value,)
    affinity = (spec.get("affinity") or {}).get("nodeAffinity", {})
    terms = affinity.get("requiredDuringSchedulingIgnoredDuringExecution", {}).get("nodeSelectorTerms", [])
    for rule in (rule for term in terms for rule in term.get("matchExpressions", [])):
        if rule["operator"] == "In":
            yield rule["key"], tuple(rule["values"])


def has_labels(kind: NodeKind, spec: Mapping[str, Any]) -> bool:
    return all(kind.labels.get(key) in values for key, values in wanted_labels(spec))
