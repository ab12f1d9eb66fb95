"""Fake nodes that look like real ones: the labels, taints and resources that EKS and Karpenter give them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from workloads.hardware import InstanceType, processor_for, trainium
from workloads.launchers.pods import EFA, NEURON

from .control_plane import ControlPlane

TO_TRAIN_ON = ("trn1-0", "trn1-1")


def node(instance: InstanceType, name: str, kubelet_port: int) -> dict[str, Any]:
    """A node of an instance type, as the kubelet and the device plugins would register it."""
    devices = {NEURON: str(instance.neuron_devices)} if instance.neuron_devices else {}
    fabric = {EFA: str(instance.efa_interfaces)} if instance.efa_interfaces else {}
    room = {
        "cpu": f"{instance.vcpus * 1000 - 390}m",
        "memory": f"{int(instance.memory * 1024 * 0.9)}Mi",
        "pods": "58",
        "ephemeral-storage": "200Gi",
        **devices,
        **fabric,
    }
    taint = [{"key": NEURON, "value": "present", "effect": "NoSchedule"}] if devices else []
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {"kwok.x-k8s.io/node": "fake"},
            "labels": {
                "node.kubernetes.io/instance-type": instance.name,
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/os": "linux",
                "kubernetes.io/hostname": name,
            },
        },
        "spec": {"taints": taint},
        "status": {
            "capacity": room,
            "allocatable": room,
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": kubelet_port}},
        },
    }


def add(plane: ControlPlane, kubelet_port: int) -> None:
    """Two trn1.32xlarge, a machine for steps without devices, and a small one for the run."""
    nodes = plane.objects("v1", "Node")
    wanted = [(name, trainium("trn1.32xlarge")) for name in TO_TRAIN_ON]
    wanted += [("large", processor_for(32, 200)), ("small", processor_for(8, 16))]
    for name, instance in wanted:
        nodes.create(node(instance, name, kubelet_port))


@contextmanager
def none_to_train_on(plane: ControlPlane, kubelet_port: int) -> Iterator[None]:
    """Meanwhile there are no Trainium nodes but those that somebody buys."""
    nodes = plane.objects("v1", "Node")
    for name in TO_TRAIN_ON:
        nodes.delete(name)
    try:
        yield
    finally:  # also where an operator cannot be had
        for name in TO_TRAIN_ON:
            nodes.create(node(trainium("trn1.32xlarge"), name, kubelet_port))
