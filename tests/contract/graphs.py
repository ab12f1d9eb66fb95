"""Whole stacks under the recorder, as AWS would have answered: every platform, provisioner, recipe and instance type.

In a preview names and addresses are unknown, and with them what a pod is told of. Here the cloud's answers are those of
the engine tests' doubles, so that every value is plain.
"""

import contextlib
import functools
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import gettempdir
from typing import Any
from unittest import mock

from pulumi.runtime import mocks

from stacks import recorder
from stacks.config import RawConfig
from stacks.program import stand_up
from stacks.recorder import Recording, record
from stacks.settings import Settings, read
from tests.engine.doubles import aws_kinds
from workloads.hardware import trainium
from workloads.recipes import RECIPES, Fleet

Values = Mapping[str, Any]

KUBECONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "x",
    "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
    "clusters": [{"name": "x", "cluster": {"server": "https://x", "certificate-authority-data": "Q0E="}}],
    "users": [{"name": "x", "user": {}}],
}
CLUSTER = {"kubeconfig": KUBECONFIG, "kubeconfigJson": json.dumps(KUBECONFIG), "clusterSecurityGroupId": "sg-cluster"}
NAMED_BY_AWS = ("name", "bucket", "nodeGroupName", "autoscalingGroupName")

TYPES = ("trn1.2xlarge", "trn1.32xlarge", "trn1n.32xlarge")
COUNTS = (1, 2)

EXTRAS: Values = {
    "workbench": {"enabled": True},
    "guard": {"ttlHours": 12, "monthlyDollars": 500, "emails": ["a@example.com"]},
    "cluster": {"publicAccessCidrs": ["198.51.100.7/32"]},
    "hfToken": "hf_made_up",
}
"""What a stack has only where it is asked for."""

OPERATORS = ["kuberay", "volcano", "mpi-operator"]

MINE: Values = {
    "kubeconfig": str(Path(gettempdir()) / "kubeconfig"),
    "namespace": "research",
    "claim": "lustre",
    "trainium": {"selector": {"pool": "trn"}, "tolerations": [{"key": "trn", "operator": "Exists"}]},
    "processors": {"selector": {"pool": "cpu"}},
    "operators": OPERATORS,
}
"""A cluster of somebody's own, with machines that bear labels of his own."""

OWN: Values = {
    "kubeconfig": MINE["kubeconfig"],
    "storageClass": "fsx",
    "storage": "1200Gi",
    "operators": ["karpenter", *OPERATORS],
}
"""A cluster where the stack makes namespace and claim, and Karpenter names the machines."""

PARAMETERS = {"tokenizer": "someone/tokenizer", "model": "someone/model"}


def fleets() -> Iterator[tuple[str, Values]]:
    """Each recipe on each instance type and count that it can be trained on."""
    for name, recipe in RECIPES.items():
        for kind in TYPES:
            for count in COUNTS:
                if kind in recipe.instances and count <= recipe.most_nodes:
                    nodes = {"instanceType": kind, "count": count}
                    given = {key: one for key, one in PARAMETERS.items() if key in recipe.parameters.model_fields}
                    yield f"{name}-{count}x{kind}", {"recipe": name, "parameters": given, "nodes": nodes}


def variants() -> dict[str, Values]:
    """The configs of all stacks that are looked at, by a name for each."""
    found: dict[str, Values] = {}
    for name, fleet in fleets():
        for provisioner in ("karpenter", "managed"):
            found[f"eks-{provisioner}-{name}"] = {"platform": "eks", "provisioner": provisioner, **fleet}
        for kind, existing in (("mine", MINE), ("own", OWN)):
            given = {"images": images(fleet["recipe"]), **fleet}
            found[f"existing-{kind}-{name}"] = {"platform": "existing", "existing": existing, **given}
    for provisioner in ("karpenter", "managed"):
        some = next(values for name, values in found.items() if name.startswith(f"eks-{provisioner}"))
        found[f"eks-{provisioner}-extras"] = {**some, **EXTRAS}
        found[f"eks-{provisioner}-no-efa"] = {**some, "nodes": {**some["nodes"], "efa": False}}
    return found


def images(recipe: str) -> Values:
    """A reference for each image of a recipe, as somebody gives them who builds his own."""
    one = RECIPES[recipe]
    steps = one.steps(one.parameters(), Fleet(trainium("trn1.32xlarge"), 1, efa=True))
    return {step.image.name: f"registry.example.com/{step.image.name}:1" for step in steps if step.image}


VARIANTS = variants()
EKS = [name for name in VARIANTS if name.startswith("eks-")]


def config(values: Values) -> RawConfig:
    return RawConfig(dict(values), frozenset({"hfToken"} & set(values)))


def settings(values: Values) -> Settings:
    return read(config(values))


@functools.cache
def graph(name: str) -> Recording:
    """The recording of a variant. It is shared: whoever changes something takes a copy."""
    return stood_up(VARIANTS[name])


def stood_up(values: Values) -> Recording:
    """The recording of an update that ends well."""
    with answering():
        recording = record(stand_up, config(values), "dev", preview=False)
    assert recording.error is None, recording.error
    return recording


@contextlib.contextmanager
def answering() -> Iterator[None]:
    """A cloud that answers, a region, and a kubeconfig that is there."""
    Path(MINE["kubeconfig"]).touch()
    with (
        mock.patch.object(recorder._Echo, "new_resource", _answered),
        mock.patch.dict(os.environ, {"AWS_REGION": aws_kinds.REGION}),
    ):
        yield


def _answered(_: Any, args: mocks.MockResourceArgs) -> tuple[str, dict[Any, Any]]:
    if args.typ.startswith("trainyard:"):
        return "", args.inputs
    if args.typ.startswith("aws:"):
        kind = aws_kinds.short(args.typ)
        inputs = {**dict.fromkeys(NAMED_BY_AWS, args.name), **args.inputs}
        id_ = aws_kinds.made_id(kind, inputs, args.name)
        return id_, {**inputs, "latestVersion": 1, **aws_kinds.computed(kind, inputs, id_)}
    if args.typ == "eks:index:Cluster":
        return f"{args.name}-id", {**args.inputs, **CLUSTER}
    if args.typ.startswith("kubernetes:"):
        return f"{args.name}-id", _named(args.name, args.typ, {key: one for key, one in args.inputs.items() if one})
    return f"{args.name}-id", args.inputs


def _named(name: str, kind: str, inputs: dict[Any, Any]) -> dict[Any, Any]:
    """A Kubernetes object under a name, if need be of the cluster's making; one that is only read has what it needs."""
    read = {"spec": {"accessModes": ["ReadWriteMany"]}} if kind.endswith(":PersistentVolumeClaim") else {}
    return {**read, **inputs, "metadata": {"name": f"{name}-1234", **inputs.get("metadata", {})}}
