"""What the pods of every step have in common, on whatever cluster: sources, volumes, devices, environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from ..programs import keep, store
from ..programs.run import plan
from ..recipes.step import Image, Neuron, Placement, Step

SHARED = PurePosixPath("/shared")
"""Where every pod sees the shared volume."""

PROGRAM = PurePosixPath("/trainyard/program")
BUNDLE = "program.zip"
CONTAINER = "step"

NEURON = "aws.amazon.com/neuron"
EFA = "vpc.amazonaws.com/efa"

CACHE = SHARED / "neuron-cache"

Manifest = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Nodes:
    """Which nodes pods may go to: labels that these have, and taints that pods put up with."""

    selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where steps run: what a launcher needs of a platform. `images` has the reference of each image by its name."""

    namespace: str
    claim: str
    images: Mapping[str, str]
    token_secret: str
    """Name of the Secret whose key `token` is the Hugging Face token."""
    trainium: Nodes
    processors: Nodes
    stack: str = "stack"
    """The stack's name: what runs keep is told apart by it."""
    results: str = str(SHARED / "results")
    """Where results go: s3://bucket/prefix, or a folder of the shared volume."""
    account: str | None = None
    """The service account whose rights in AWS a step's pods have; they get none in the cluster from it."""
    queue: str | None = None
    """The Volcano queue for what starts as a gang, where there is one."""

    def nodes(self, placement: Placement) -> Nodes:
        return self.trainium if isinstance(placement, Neuron) else self.processors

    def image(self, image: Image | None) -> str:
        """The reference of `image`; KeyError where the platform has none by its name."""
        if image is None:
            raise KeyError("a step in a cluster needs an image")
        return self.images[image.name]


@dataclass(frozen=True, slots=True)
class Launched:
    """A step of a recipe, ready to be launched. `bundle` is the ConfigMap with the program's sources."""

    step: Step
    recipe: str
    hashes: Mapping[str, str]
    bundle: str

    @property
    def name(self) -> str:
        """The name of the step's object: a DNS label, as short as a RayJob's must be."""
        return f"{self.step.name}-{self.hashes[self.step.name]}"

    @property
    def labels(self) -> dict[str, str]:
        step = self.step.name
        return {**plan.OWNED, plan.STEP_LABEL: step, plan.HASH_LABEL: self.hashes[step], **_recipe(self.recipe)}


def _recipe(name: str) -> dict[str, str]:
    return {"trainyard.dev/recipe": name}


def pod(
    what: Launched,
    site: Site,
    command: list[str],
    environment: Mapping[str, Any],
    placement: Placement | None = None,
) -> Manifest:
    """A pod template that runs `command` in the step's image, with all that the step asks for.

    `placement` is that of a pod beside those that do the step's work: one that leads them, or hands it over.
    """
    step, place = what.step, placement or what.step.placement
    nodes = site.nodes(place)
    container = {
        "name": CONTAINER,
        "image": site.image(step.image),
        **({"command": command} if command else {}),
        "env": _environment(step, site, environment),
        "resources": resources(place),
        "securityContext": {"allowPrivilegeEscalation": False},
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [
            {"name": "shared", "mountPath": str(SHARED)},
            {"name": "program", "mountPath": str(PROGRAM), "readOnly": True},
            {"name": "shm", "mountPath": "/dev/shm"},  # noqa: S108
        ],
    }
    spec = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        **({"serviceAccountName": site.account} if site.account else {}),
        "enableServiceLinks": False,
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": _volumes(what, site, place),
        **({"nodeSelector": dict(nodes.selector)} if nodes.selector else {}),
        **({"tolerations": [dict(one) for one in nodes.tolerations]} if nodes.tolerations else {}),
    }
    return {
        "metadata": {"labels": what.labels, "annotations": {"karpenter.sh/do-not-disrupt": "true"}},
        "spec": spec,
    }


def _volumes(what: Launched, site: Site, place: Placement) -> list[Manifest]:
    memory = {"medium": "Memory", "sizeLimit": f"{max(1, place.memory // 4)}Gi"}
    return [
        {"name": "shared", "persistentVolumeClaim": {"claimName": site.claim}},
        {"name": "program", "configMap": {"name": what.bundle}},
        {"name": "shm", "emptyDir": memory},
    ]


def resources(placement: Placement) -> Manifest:
    """Requests and limits of a step's container: on Trainium every device and EFA interface that the node has."""
    devices = _devices(placement) if isinstance(placement, Neuron) else {}
    requests = {"cpu": f"{placement.vcpus * CPU_SHARE_PERCENT * 10}m", "memory": f"{placement.memory}Gi", **devices}
    return {"requests": requests, **({"limits": devices} if devices else {})}


CPU_SHARE_PERCENT = 90
"""Of a machine's vCPUs, what a pod asks for: the kubelet and the agents on each node have the rest."""


def _devices(placement: Neuron) -> dict[str, str]:
    """No huge pages: Karpenter counts none on any machine, so that a pod asking for them would wait for ever."""
    instance = placement.instance
    fabric = {EFA: str(instance.efa_interfaces)} if placement.efa else {}
    return {NEURON: str(instance.neuron_devices), **fabric}


def _environment(step: Step, site: Site, more: Mapping[str, Any]) -> list[Manifest]:
    plain = {
        "PYTHONPATH": str(PROGRAM / BUNDLE),
        "PYTHONUNBUFFERED": "1",
        "HF_HOME": str(SHARED / "huggingface"),
        store.ADDRESS: site.results,
        keep.STACK: site.stack,
        **(_neuron(step.placement) if isinstance(step.placement, Neuron) else {}),
    }
    named = [{"name": name, "value": value} for name, value in plain.items()]
    token = {"secretKeyRef": {"name": site.token_secret, "key": "token"}}
    secret = [{"name": "HF_TOKEN", "valueFrom": token}] if step.needs_token else []
    return [*named, *secret, *({"name": name, **value} for name, value in more.items())]


def _neuron(placement: Neuron) -> dict[str, str]:
    """Settings of the Neuron runtime and compiler that the seed guides and optimum-neuron's own examples agree on."""
    fabric = {"FI_PROVIDER": "efa", "FI_EFA_USE_DEVICE_RDMA": "1", "FI_EFA_FORK_SAFE": "1"}
    return {
        "NEURON_COMPILE_CACHE_URL": str(CACHE),
        "NEURON_CC_FLAGS": "--model-type transformer --retry_failed_compilation",
        "NEURON_FUSE_SOFTMAX": "1",
        "NEURON_RT_ASYNC_EXEC_MAX_INFLIGHT_REQUESTS": "3",
        "MALLOC_ARENA_MAX": "64",
        **(fabric if placement.efa else {}),
    }
