"""The real Karpenter, which buys nodes that kwok plays, by the project's own pool."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from components.karpenter_pools import TrainiumPool, trainium_pool
from components.trainium import NODES_LABEL, TRAINIUM, TrainiumType
from tests import tools
from workloads.hardware import trainium, trainium_names

from .conftest import eventually
from .control_plane import ControlPlane, free_port, process
from .nodes import node
from .operators import anything

POOLS = "karpenter.sh/v1"
INSTANCE = TrainiumType(name="trn1.32xlarge", devices=16, efa_interfaces=8)
NODE_CLASS_GROUP = "karpenter.kwok.sh"
NODE_CLASS_KIND = "KWOKNodeClass"
NODE_CLASS = anything(NODE_CLASS_GROUP, "v1alpha1", NODE_CLASS_KIND, "kwoknodeclasses", "Cluster")
EPOCH = "2026-01-01T00:00:00Z"


@contextmanager
def karpenter(plane: ControlPlane, folder: Path) -> Iterator[None]:
    """Karpenter, with the provider that registers fake nodes for kwok in place of AWS's: of types that trade Trainium.

    Its node class is named as the project's.
    """
    program = tools.find("karpenter-kwok")
    plane.define([NODE_CLASS])
    ready = {"type": "Ready", "status": "True", "reason": "Ready", "message": "", "lastTransitionTime": EPOCH}
    api = f"{NODE_CLASS_GROUP}/v1alpha1"
    about = {"apiVersion": api, "kind": NODE_CLASS_KIND, "metadata": {"name": TRAINIUM}}
    classes = plane.objects(api, NODE_CLASS_KIND)
    classes.create({**about, "spec": {}, "status": {"conditions": [ready]}})
    types = folder / "instance-types.json"
    types.write_text(json.dumps([instance_type(name) for name in trainium_names()]))
    environment = {
        "KUBECONFIG": str(plane.kubeconfig),
        "SYSTEM_NAMESPACE": "kube-system",
        "DISABLE_LEADER_ELECTION": "true",
        "INSTANCE_TYPES_FILE_PATH": str(types),
        "METRICS_PORT": str(free_port()),
        "HEALTH_PROBE_PORT": str(free_port()),
    }
    with process(program, folder / "karpenter.log", environment=environment):
        yield
    classes.delete(TRAINIUM)


def instance_type(name: str) -> dict[str, Any]:
    """A Trainium instance type, on demand in one zone, as Karpenter's provider for kwok reads it."""
    room = node(trainium(name), name, 0)["status"]["allocatable"]
    where = {"karpenter.sh/capacity-type": "on-demand", "topology.kubernetes.io/zone": "test-zone"}
    return {
        "name": name,
        "architecture": "amd64",
        "operatingSystems": ["linux"],
        "resources": room,
        "offerings": [
            {
                "Price": trainium(name).dollars_per_hour or 1.0,
                "Available": True,
                "Requirements": [{"key": key, "operator": "In", "values": [value]} for key, value in where.items()],
            }
        ],
    }


@contextmanager
def pool(plane: ControlPlane) -> Iterator[Mapping[str, str]]:
    """The project's pool of at most two nodes, but for their class; empty ones go at once. Its limits.

    When it goes, so do its nodes.
    """
    spec = trainium_pool(TrainiumPool(instance=INSTANCE, subnet_id="subnet-1", nodes=2, idle="1s"))
    spec["template"]["spec"]["nodeClassRef"] |= {"group": NODE_CLASS_GROUP, "kind": NODE_CLASS_KIND}
    pools = plane.objects(POOLS, "NodePool")
    pools.create({**POOL, "spec": spec})
    yield spec["limits"]
    pools.delete(TRAINIUM)
    eventually(lambda: bought(plane) == [], 120)


def limit(plane: ControlPlane, limits: Mapping[str, str]) -> None:
    """Changes what the pool may buy."""
    change = {**POOL, "spec": {"limits": limits}}
    plane.objects(POOLS, "NodePool").patch(change, content_type="application/merge-patch+json")


def bought(plane: ControlPlane) -> list[str]:
    """The nodes that there are of the pool."""
    found = plane.objects("v1", "Node").get(label_selector=f"{NODES_LABEL}={TRAINIUM}").items
    return [one.metadata.name for one in found]


POOL = {"apiVersion": POOLS, "kind": "NodePool", "metadata": {"name": TRAINIUM}}
