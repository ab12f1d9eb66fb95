"""The contract between what runs in a cluster and what is there for it: whatever a pod uses, the same graph provides.

`violations` says what does not hold, a sentence each. A rule is a function from the graph to sentences.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from stacks.recorder import Recorded, Recording

from . import ordering
from .model import CHARTS, Given, Graph, Pods, quantity
from .nodes import EFA, NEURON, NodeKind, has_labels, kinds, tolerates, wanted_labels

Rule = Callable[[Graph], Iterator[str]]

PLUGINS = {"neuron-helm-chart": NEURON, "aws-efa-k8s-device-plugin": EFA}
"""Charts that make devices a resource."""
BUILT_IN = frozenset({"cpu", "memory", "ephemeral-storage"})


def violations(recording: Recording, given: Given | None = None) -> list[str]:
    """What the recorded graph lacks, beside what is `given`."""
    graph = Graph(recording, given or Given())
    return [sentence for rule in (*RULES, *ordering.RULES) for sentence in rule(graph)]


def namespaces(graph: Graph) -> Iterator[str]:
    """An object's namespace is there, and was there first."""
    made = graph.named("Namespace")
    for one in (one for one in graph.resources if one.type.startswith("kubernetes:")):
        chart = one.inputs.get("namespace") if one.type in CHARTS else None
        name = chart or one.inputs.get("metadata", {}).get("namespace")
        if name is None or name in graph.given.namespaces:
            continue
        if name not in made:
            yield f"{one.name}: nothing makes the namespace {name}"
        elif not graph.waits_for(one, made[name]):
            yield f"{one.name} does not wait for the namespace {name}"


def steps_stay_in_their_namespace(graph: Graph) -> Iterator[str]:
    """The run may make objects in its own namespace alone."""
    for pods in (pods for pods in graph.pods if pods.is_step):
        own = pods.by.inputs["metadata"]["namespace"]
        if pods.namespace != own:
            yield f"{pods} goes to the namespace {pods.namespace}, and its manifest is in {own}"


def claims(graph: Graph) -> Iterator[str]:
    """A pod's claim is there first, in its namespace."""
    for pods in graph.pods:
        for volume in pods.volumes:
            name = volume.get("persistentVolumeClaim", {}).get("claimName")
            if name is None or (pods.namespace, name) in graph.given.claims:
                continue
            yield from _there_first(graph, pods, "PersistentVolumeClaim", name)


def volumes_of_claims(graph: Graph) -> Iterator[str]:
    """A claim that names a volume gets one that was made for it, and as large as it asks for."""
    volumes = graph.named("PersistentVolume")
    for name, claim in graph.named("PersistentVolumeClaim").items():
        spec = claim.inputs["spec"]
        if spec.get("storageClassName"):
            continue
        asked = quantity(spec["resources"]["requests"]["storage"])
        fitting = [one.inputs["spec"] for one in volumes.values() if one.inputs["spec"]["claimRef"]["name"] == name]
        if not any(quantity(one["capacity"]["storage"]) >= asked for one in fitting):
            yield f"the claim {name} finds no volume of {spec['resources']['requests']['storage']}"


def _there_first(graph: Graph, pods: Pods, kind: str, name: str) -> Iterator[str]:
    made = graph.named(kind, pods.namespace)
    if name not in made:
        yield f"{pods}: there is no {kind} {name} in {pods.namespace}"
    elif made[name] is not pods.by and not graph.waits_for(pods.by, made[name]):
        yield f"{pods} does not wait for the {kind} {name}"


def _references(pods: Pods) -> Iterator[tuple[str, str, str | None]]:
    """The ConfigMaps and Secrets that pods use: kind, name, and key if one is named."""
    for volume in pods.volumes:
        for field, kind, name in (("configMap", "ConfigMap", "name"), ("secret", "Secret", "secretName")):
            if field in volume:
                yield kind, volume[field][name], None
    for container in pods.containers:
        for variable in container.get("env", []):
            for field, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
                if field in variable.get("valueFrom", {}):
                    yield kind, variable["valueFrom"][field]["name"], variable["valueFrom"][field]["key"]


def config_maps_and_secrets(graph: Graph) -> Iterator[str]:
    """They are there first, with the key that is asked for."""
    for pods in graph.pods:
        for kind, name, key in _references(pods):
            yield from _there_first(graph, pods, kind, name)
            found = graph.named(kind, pods.namespace).get(name)
            if found and key and not any(key in found.inputs.get(one, {}) for one in ("data", "stringData")):
                yield f"{pods}: the {kind} {name} has no key {key}"


def service_accounts(graph: Graph) -> Iterator[str]:
    for pods in graph.pods:
        name = pods.spec.get("serviceAccountName", "default")
        if name != "default":
            yield from _there_first(graph, pods, "ServiceAccount", name)


def labels_and_taints(graph: Graph) -> Iterator[str]:
    """There are nodes with the labels that pods ask for, whose taints the pods put up with."""
    nodes = kinds(graph)
    for pods in graph.pods:
        labelled = [kind for kind in nodes if has_labels(kind, pods.spec)]
        if not labelled and any(wanted_labels(pods.spec)):
            yield f"{pods}: no node has the labels {dict(wanted_labels(pods.spec))}"
        elif nodes and not _open(labelled, pods):
            yield f"{pods} does not put up with the taints of {', '.join(sorted({one.name for one in labelled}))}"


def _open(nodes: list[NodeKind], pods: Pods) -> list[NodeKind]:
    """The nodes that pods may go to."""
    return [kind for kind in nodes if has_labels(kind, pods.spec) and all(tolerates(pods.spec, t) for t in kind.taints)]


def extended_resources(graph: Graph) -> Iterator[str]:
    """Something makes each known, also on nodes with taints. It may come later: a pod waits for its node anyway."""
    plugins = {PLUGINS[one.inputs["name"]]: one for one in graph.all(*CHARTS) if one.inputs["name"] in PLUGINS}
    taints = [taint for kind in kinds(graph) if kind.machine.neuron_devices for taint in kind.taints]
    for pods in graph.pods:
        for name in set(pods.requests()) - BUILT_IN - graph.given.resources:
            if name not in plugins:
                yield f"{pods}: nothing makes {name} known"
    for name, chart in plugins.items():
        values = _plugin(chart)
        if not values.get("enabled", True) or not all(tolerates(values, taint) for taint in taints):
            yield f"{chart.name} is not on the nodes that have {name}"


def _plugin(chart: Recorded) -> Mapping[str, Any]:
    values = chart.inputs.get("values", {})
    return values.get("devicePlugin", values)


def room_on_a_node(graph: Graph) -> Iterator[str]:
    """A pod fits an empty node beside the DaemonSets that are on it, and there can be enough such nodes."""
    nodes = kinds(graph)
    daemons = [pods for pods in graph.pods if pods.kind == "DaemonSet"]
    for pods in (pods for pods in graph.pods if pods not in daemons):
        places = _open(nodes, pods)
        if places and not any(_fits(pods, kind, daemons) for kind in places):
            asked = {name: f"{amount:g}" for name, amount in pods.requests().items()}
            yield f"{pods}: {pods.count} pods that ask for {asked} each find no room on {[one.name for one in places]}"


def _fits(pods: Pods, kind: NodeKind, daemons: list[Pods]) -> bool:
    free = kind.allocatable
    free["cpu"] -= sum(one.requests().get("cpu", 0) for one in daemons if _open([kind], one))
    asked = pods.requests()
    alone = [name for name in (NEURON, EFA) if name in asked and 2 * asked[name] > free[name]]
    total = {name: amount * pods.count for name, amount in asked.items()}
    return (
        all(amount <= free[name] for name, amount in asked.items() if name in free)
        and (not alone or pods.count <= kind.most)
        and all(total.get(name, 0) <= limit for name, limit in kind.limits.items())
    )


def known_before_the_node(graph: Graph) -> Iterator[str]:
    """What starts nodes from nothing knows beforehand that they will have what a pod asks for."""
    nodes = kinds(graph)
    for pods in (pods for pods in graph.pods if pods.kind != "DaemonSet"):
        places, asked = _open(nodes, pods), set(pods.requests())
        if places and all(kind.knows is not None and asked - kind.knows for kind in places):
            unknown = sorted(asked - (places[0].knows or set()))
            yield f"{pods}: no node is started for it, since who starts {places[0].name} does not know of {unknown}"


def quotas(graph: Graph) -> Iterator[str]:
    """What stands all the time, with the largest of the steps and builds, stays within the namespace's quota."""
    for quota in graph.named("ResourceQuota").values():
        here = [pods for pods in graph.pods if pods.namespace == quota.inputs["metadata"]["namespace"]]
        for name, most in quota.inputs["spec"]["hard"].items():
            what = name.removeprefix("requests.")
            asked = {pods: pods.count * pods.requests().get(what, 0) for pods in map(_Hashed, here)}
            standing = sum(amount for pods, amount in asked.items() if not pods.passes)
            passing = max((amount for pods, amount in asked.items() if pods.passes), default=0)
            if standing + passing > quantity(most):
                yield f"pods ask for {standing + passing:g} of {what} together, and the quota is {most}"


class _Hashed:
    """Pods as a key; `passes` says whether they come one after the other."""

    def __init__(self, pods: Pods):
        self.count, self.requests = pods.count, pods.requests
        self.passes = pods.is_step or pods.by.name.startswith("image-")


IMAGE = re.compile(r"[a-z0-9.-]+\.[a-z]+(:\d+)?/[a-z0-9._/-]+(:(?P<tag>[\w][\w.-]*))?(@sha256:[0-9a-f]{64})?")
PRIVATE = re.compile(r"\d{12}\.dkr\.ecr\.")


def images(graph: Graph) -> Iterator[str]:
    """An image is named in full; one in a registry of the stack's own is built by the graph, and there first."""
    builds = {f"{_env(one, 'REPOSITORY')}:{_env(one, 'TAG')}": one for one in graph.pods if _env(one, "REPOSITORY")}
    for pods in graph.pods:
        for image in {container["image"] for container in pods.containers} - graph.given.images:
            match = IMAGE.fullmatch(image)
            if not match or (not match["tag"] and "@" not in image) or match["tag"] in ("latest", "None"):
                yield f"{pods}: {image} says not where it comes from, or not which one it is"
            elif PRIVATE.match(image) and image not in builds:
                yield f"{pods}: nothing builds {image}"
            elif image in builds and not graph.waits_for(pods.by, builds[image].by):
                yield f"{pods} does not wait for who builds {image}"


def _env(pods: Pods, name: str) -> str | None:
    found = [one for container in pods.containers for one in container.get("env", []) if one["name"] == name]
    return found[0].get("value") if found else None


RULES: tuple[Rule, ...] = (
    namespaces,
    steps_stay_in_their_namespace,
    claims,
    volumes_of_claims,
    config_maps_and_secrets,
    service_accounts,
    labels_and_taints,
    extended_resources,
    room_on_a_node,
    known_before_the_node,
    quotas,
    images,
)
