"""Steps that operators carry out: their kinds are the real ones, and a run knows them."""

import threading
from typing import Any

import pytest

from tests.engine.stack import EngineStack

from .conftest import eventually
from .control_plane import ControlPlane
from .kubelet import Kubelet
from .test_existing import STEPS, names, ran

pytestmark = pytest.mark.tier("operators")

LABELS = {
    "app.kubernetes.io/managed-by": "trainyard",
    "trainyard.dev/step": "train",
    "trainyard.dev/hash": "0123456789",
    "trainyard.dev/recipe": "earlier",
}
POD: dict[str, Any] = {"spec": {"containers": [{"name": "step", "image": "registry.test/image:1"}]}}
RAY_JOB = {
    "apiVersion": "ray.io/v1",
    "kind": "RayJob",
    "spec": {
        "entrypoint": "true",
        "rayClusterSpec": {"headGroupSpec": {"rayStartParams": {}, "template": POD}},
    },
}
MPI_JOB = {
    "apiVersion": "kubeflow.org/v2beta1",
    "kind": "MPIJob",
    "spec": {"mpiReplicaSpecs": {"Launcher": {"replicas": 1, "template": POD}}},
}


@pytest.mark.usefixtures("operators")
@pytest.mark.parametrize("item", [RAY_JOB, MPI_JOB], ids=["RayJob", "MPIJob"])
def test_a_run_stops_what_an_earlier_recipe_left_running_before_it_begins(
    stack: EngineStack, machines: Kubelet, namespace: str, plane: ControlPlane, item: dict[str, Any]
) -> None:
    kind, version = item["kind"], item["apiVersion"]
    stray = {**item, "metadata": {"name": "train-0123456789", "labels": LABELS, "finalizers": ["test/holds-on"]}}
    kinds = plane.objects(version, kind)
    kinds.create(stray, namespace=namespace)
    waited: list[list[str]] = []

    def let_go_later() -> None:
        eventually(lambda: kinds.get(name="train-0123456789", namespace=namespace).metadata.deletionTimestamp)
        waited.append(ran(machines, namespace))
        kinds.patch(
            {"metadata": {"name": "train-0123456789", "finalizers": None}},
            namespace=namespace,
            content_type="application/merge-patch+json",
        )

    helper = threading.Thread(target=let_go_later)
    helper.start()
    stack.up()
    helper.join()
    assert waited == [[]]
    assert names(plane, namespace, kind, version) == []
    assert ran(machines, namespace) == STEPS
