"""What the project's own pods have in common."""

from collections.abc import Mapping

from pulumi import Input
from pulumi_kubernetes import apps, core, meta

NOBODY = 65534

NEURON = "aws.amazon.com/neuron"
"""A Neuron device, as a resource; and the taint of the nodes that have some."""

EVERYWHERE: list[core.v1.TolerationArgsDict] = [{"operator": "Exists"}]
"""Tolerations of what belongs to a node itself: it must run whatever taints the node has, also while it starts up."""

LOCKED: core.v1.SecurityContextArgsDict = {
    "allow_privilege_escalation": False,
    "read_only_root_filesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
"""A container's security context that lets it do nothing but compute and talk."""


def user(number: int) -> core.v1.PodSecurityContextArgsDict:
    """A pod's security context: one user, and the container runtime's own filter of system calls."""
    return {
        "run_as_non_root": number != 0,
        "run_as_user": number,
        "run_as_group": number,
        "seccomp_profile": {"type": "RuntimeDefault"},
    }


def resources(
    cpu: str, memory: str, limit: str, devices: Mapping[str, str] | None = None
) -> core.v1.ResourceRequirementsArgsDict:
    """Requests, and a limit on memory; none on CPU, which would only make it slow where there is some to spare."""
    more = dict(devices or {})
    return {"requests": {"cpu": cpu, "memory": memory, **more}, "limits": {"memory": limit, **more}}


def labels(name: str) -> dict[str, Input[str]]:
    return {**selector(name), "app.kubernetes.io/managed-by": "trainyard"}


def selector(name: str) -> dict[str, Input[str]]:
    return {"app.kubernetes.io/name": name}


def metadata(
    name: str, namespace: Input[str], annotations: Mapping[str, str] | None = None
) -> meta.v1.ObjectMetaArgsDict:
    return {"name": name, "namespace": namespace, "labels": labels(name), "annotations": annotations or {}}


def template(
    name: str, pod: core.v1.PodSpecArgsDict, annotations: Mapping[str, str] | None = None
) -> core.v1.PodTemplateSpecArgsDict:
    return {"metadata": {"labels": labels(name), "annotations": annotations or {}}, "spec": pod}


def single(name: str, pod: core.v1.PodSpecArgsDict) -> apps.v1.DeploymentSpecArgsDict:
    """A Deployment of one pod, of which there are never two: the old one leaves before the new one comes."""
    return {
        "replicas": 1,
        "strategy": {"type": "Recreate"},
        "selector": {"match_labels": selector(name)},
        "template": template(name, pod),
    }


def shared_volume(claim: Input[str], *, read_only: bool) -> core.v1.VolumeArgsDict:
    return {"name": "shared", "persistent_volume_claim": {"claim_name": claim, "read_only": read_only}}


def shared_mount(*, read_only: bool) -> core.v1.VolumeMountArgsDict:
    return {"name": "shared", "mount_path": "/shared", "read_only": read_only}


def scratch(name: str, size: str) -> core.v1.VolumeArgsDict:
    """A volume that goes with its pod."""
    return {"name": name, "empty_dir": {"size_limit": size}}
