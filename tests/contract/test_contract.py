"""Whatever the pods of a stack use is provided by the same stack, or is what `existing` says it offers."""

import functools
from collections.abc import Callable
from typing import Any

import pytest

from stacks.recorder import Recording

from . import ordering
from .breaking import Break, added, alone, edited, manifest, pod, step, without
from .contract import RULES, Rule, violations
from .graphs import VARIANTS, graph, settings, stood_up
from .model import Graph
from .offers import given

KARPENTER, MANAGED, MINE = "eks-karpenter-extras", "eks-managed-extras", "existing-mine-llama3-8b-lora-1xtrn1.32xlarge"


def found(name: str, change: Callable[[Recording], Recording] = lambda recording: recording) -> list[str]:
    return violations(change(graph(name)), given(settings(VARIANTS[name])))


@pytest.mark.parametrize("name", VARIANTS)
def test_every_stack_provides_what_its_pods_use(name: str) -> None:
    assert found(name) == []


def _set(**values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda inputs: inputs.update(values)


def _container(**values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda spec: spec["containers"][0].update(values)


def _ask(**amounts: str) -> Callable[[dict[str, Any]], None]:
    return lambda spec: spec["containers"][0]["resources"]["requests"].update(amounts)


def _claim(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda spec: spec["volumes"].append({"name": "x", "persistentVolumeClaim": {"claimName": name}})


def _map(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda spec: spec["volumes"].append({"name": "x", "configMap": {"name": name}})


def _key(spec: dict[str, Any]) -> None:
    reference = {"name": "hugging-face", "key": "tokn"}
    spec["containers"][0]["env"].append({"name": "X", "valueFrom": {"secretKeyRef": reference}})


def _pool(*path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def edit(inputs: dict[str, Any]) -> None:
        for name in path[:-1]:
            inputs = inputs[name]
        inputs[path[-1]] = value

    return edit


TEMPLATE = ("spec", "template", "metadata", "labels")
OTHER_TAINT = [{"key": "other", "effect": "NoSchedule"}]

BREAKS: dict[str, tuple[str, Break, str]] = {
    "a namespace that nothing makes": (KARPENTER, without("namespace"), "nothing makes the namespace trainyard"),
    "an object that may come before its namespace": (
        KARPENTER,
        alone("quota-quota"),
        "quota-quota does not wait for the namespace",
    ),
    "a chart in a namespace that nothing makes": (
        KARPENTER,
        edited("prometheus-chart", _set(namespace="elsewhere")),
        "nothing makes the namespace elsewhere",
    ),
    "a step in another namespace": (
        KARPENTER,
        manifest("train", lambda one: one["metadata"].update(namespace="kube-system")),
        "goes to the namespace kube-system",
    ),
    "a step's claim of another name": (KARPENTER, step("train", _claim("shard")), "there is no PersistentVolumeClaim"),
    "the run's claim of another name": (MINE, pod("run-job", _claim("shard")), "there is no PersistentVolumeClaim"),
    "a claim in vain": (KARPENTER, without("shared-volume"), "the claim shared finds no volume"),
    "a claim larger than its volume": (
        KARPENTER,
        edited("shared-claim", _pool("spec", "resources", "requests", "storage", value="9000Gi")),
        "finds no volume of 9000Gi",
    ),
    "a ConfigMap that is not there": (KARPENTER, step("test", _map("lost")), "there is no ConfigMap lost"),
    "sources that come too late": (MINE, alone("run-job"), "does not wait for the ConfigMap"),
    "a Secret that is not there": (KARPENTER, lambda r: without("hugging-face")(step("train", _key)(r)), "no Secret"),
    "a Secret without the key": (KARPENTER, step("train", _key), "has no key tokn"),
    "a service account that is not there": (MINE, without("trainyard-run-account"), "there is no ServiceAccount"),
    "a label that no node has": (
        KARPENTER,
        edited("pools-trainium-pool", _pool(*TEMPLATE, value={})),
        "no node has the labels",
    ),
    "a label of another value": (
        MANAGED,
        edited("processors-group", _set(labels={"trainyard.dev/nodes": "cpu"})),
        "no node has the labels",
    ),
    "a selector that the user's nodes do not have": (MINE, step("train", _set(nodeSelector={"pool": "x"})), "no node"),
    "a taint that a step does not put up with": (
        KARPENTER,
        edited("pools-trainium-pool", _pool("spec", "template", "spec", "taints", value=OTHER_TAINT)),
        "does not put up with the taints",
    ),
    "a step without tolerations": (MANAGED, step("train", _set(tolerations=[])), "does not put up with the taints"),
    "devices that nothing makes known": (KARPENTER, without("neuron-chart"), "nothing makes aws.amazon.com/neuron"),
    "EFA that nothing makes known": (MANAGED, without("efa-chart"), "nothing makes vpc.amazonaws.com/efa known"),
    "a plugin that tolerates no taint": (
        KARPENTER,
        edited("efa-chart", lambda inputs: inputs["values"].update(tolerations=[])),
        "efa-chart is not on the nodes",
    ),
    "more memory than a machine has": (KARPENTER, step("train", _ask(memory="500Gi")), "find no room"),
    "more devices than a machine has": (MANAGED, step("train", _ask(**{"aws.amazon.com/neuron": "32"})), "no room"),
    "more vCPUs than are left beside the agents": (KARPENTER, step("test", _ask(cpu="191.9")), "find no room"),
    "more nodes than there can be": (
        MANAGED,
        manifest("train", lambda one: one["spec"].update(parallelism=2)),
        "find no room",
    ),
    "more nodes than Karpenter may buy": (
        KARPENTER,
        edited("pools-trainium-pool", _pool("spec", "limits", "aws.amazon.com/neuron", value="8")),
        "find no room",
    ),
    "a node that the autoscaler knows too little of": (
        MANAGED,
        without("training-neuron"),
        "does not know of ['aws.amazon.com/neuron']",
    ),
    "a root volume that the autoscaler knows nothing of": (
        MANAGED,
        edited("processors-group", _set(tags={})),
        "does not know of ['ephemeral-storage']",
    ),
    "a quota below what a step asks for": (
        KARPENTER,
        edited("quota-quota", lambda inputs: inputs["spec"]["hard"].update({"requests.cpu": "64"})),
        "and the quota is 64",
    ),
    "an image by a tag that moves": (MINE, pod("run-job", _container(image="docker.io/x:latest")), "not which one"),
    "an image of no registry": (MINE, step("train", _container(image="train:1")), "says not where"),
    "an image of the stack's own that nothing builds": (
        KARPENTER,
        without("image-neuron-training-job"),
        "nothing builds",
    ),
    "an image before it is built": (KARPENTER, alone("train-manifest"), "does not wait for who builds"),
    "a workload that outlives its nodes": (KARPENTER, alone("tensorboard-deployment"), "left on nodes that go"),
    "a step that outlives its managed nodes": (MANAGED, alone("train-manifest"), "left on nodes that go"),
    "a pool that outlives its controller": (KARPENTER, alone("pools-trainium-class"), "finalizers"),
    "a pool of no class": (KARPENTER, without("pools-trainium-class"), "there is no EC2NodeClass trainium"),
    "a pool without a controller": (KARPENTER, without("karpenter-controller"), "there is no controller"),
    "a run that outlives the autoscaler": (MANAGED, alone("run-job"), "nobody would take its nodes away"),
    "a controller that outlives its machine": (MANAGED, alone("autoscaler-release"), "it runs there"),
    "a controller before its kinds": (KARPENTER, alone("karpenter-controller"), "its kinds would not be there"),
    "a monitor before its kind": (KARPENTER, alone("run-metrics-monitor"), "its kind would not be there"),
    "a monitor of no kind": (KARPENTER, without("prometheus-chart"), "nothing brings its kind"),
    "a controller that hears of no interruption": (
        KARPENTER,
        edited("karpenter-controller", _pool("values", "settings", "interruptionQueue", value="")),
        "listens to no queue",
    ),
    "a build before it may push": (KARPENTER, alone("image-neuron-training-job"), "it acts as image-builder"),
    "a role that nobody acts as": (
        KARPENTER,
        edited("karpenter-identity-association", _set(serviceAccount="karpnter")),
        "nothing acts as karpnter",
    ),
    "nodes before the network add-ons": (MANAGED, alone("training-group"), "would stay unready"),
    "nodes without network add-ons": (MANAGED, without("cluster-kube-proxy-addon"), "is not there"),
    "a pod that outlives the volume's driver": (KARPENTER, alone("workbench-pod"), "it mounts the shared volume"),
    "a volume without a driver": (KARPENTER, without("addons-aws-fsx-csi-driver-addon"), "there is no driver"),
}


@pytest.mark.parametrize("what", BREAKS)
def test_what_is_broken_on_purpose_is_found(what: str) -> None:
    name, change, sentence = BREAKS[what]
    assert [one for one in found(name, change) if sentence in one], found(name, change)


@functools.cache
def broken(what: str) -> Graph:
    name, change, _ = BREAKS[what]
    return Graph(change(graph(name)), given(settings(VARIANTS[name])))


@pytest.mark.parametrize("rule", [*RULES, *ordering.RULES], ids=lambda rule: rule.__name__)
def test_each_rule_finds_something_that_is_broken_on_purpose(rule: Rule) -> None:
    assert any(sentence for what in BREAKS for sentence in rule(broken(what)))


def test_an_image_of_the_users_own_is_used_and_none_is_built() -> None:
    own = "registry.example.com/mine/neuron-training:7"
    recording = stood_up({**VARIANTS[KARPENTER], "images": {"neuron-training": own}})
    manifests = [one.inputs["data"]["objects.json"] for one in recording.resources if one.name.endswith("-manifest")]
    assert manifests
    assert all(own in one for one in manifests)
    assert not [one for one in recording.resources if "image-neuron-training" in one.name]


def test_a_second_job_with_devices_is_more_than_the_quota_lets_run() -> None:
    def devices(inputs: dict[str, Any]) -> None:
        inputs["metadata"]["name"] = "second"
        resources = {"requests": {"aws.amazon.com/neuron": "16"}}
        inputs["spec"]["template"]["spec"]["containers"][0]["resources"] = resources

    assert any("and the quota is 16" in one for one in found(KARPENTER, added("tensorboard-deployment", devices)))
