"""A cluster for the tests of this folder, and a namespace with a shared volume for each."""

import re
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.stack import EngineStack, engine_stack, skipping

from . import nodes
from .control_plane import ControlPlane, control_plane, crds
from .kubelet import Kubelet, kubelet


def eventually(true: Callable[[], Any], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.1)


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with skipping(), control_plane(tmp_path_factory.mktemp("plane")) as running:
        yield running


@pytest.fixture(scope="session")
def operators(plane: ControlPlane) -> None:
    """The definitions that operators bring along, and no operator."""
    with skipping():
        plane.define(crds())


@pytest.fixture(scope="session")
def machines(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubelet]:
    """Fake nodes, two of them trn1.32xlarge, and what plays their pods."""
    with kubelet(plane, tmp_path_factory.mktemp("kubelet")) as running:
        nodes.add(plane, running.port)
        yield running


@pytest.fixture
def namespace(request: pytest.FixtureRequest, plane: ControlPlane, machines: Kubelet) -> Iterator[str]:
    """A namespace of this test's own, with a ReadWriteMany claim `shared`."""
    told = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower().removeprefix("test_"))[:30].strip("-")
    name = f"{told}-{secrets.token_hex(3)}"
    plane.objects("v1", "Namespace").create({"metadata": {"name": name}})
    plane.objects("v1", "PersistentVolume").create(volume(name))
    claim = {"accessModes": ["ReadWriteMany"], "storageClassName": name, "resources": {"requests": {"storage": "1Ti"}}}
    plane.objects("v1", "PersistentVolumeClaim").create({"metadata": {"name": "shared"}, "spec": claim}, namespace=name)
    machines.steps.clear()
    yield name
    plane.objects("v1", "Namespace").delete(name)


def volume(name: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": "2Ti"},
            "accessModes": ["ReadWriteMany"],
            "storageClassName": name,
            "hostPath": {"path": "/nowhere"},
        },
    }


@pytest.fixture
def stack(tmp_path: Path, plane: ControlPlane, namespace: str) -> Iterator[EngineStack]:
    """The text-to-SQL recipe on the platform `existing`, in the namespace of the test."""
    with skipping(), engine_stack(tmp_path / "engine", "test") as running:
        running.config.update(
            platform="existing",
            existing={"kubeconfig": str(plane.kubeconfig), "namespace": namespace, "claim": "shared"},
            images={"neuron-training": "registry.test/neuron-training:1"},
            parameters={"model": "open/llama", "tokenizer": "open/llama"},
        )
        yield running
