"""The Job that builds an image in the cluster, by BuildKit without root: data in, data out, and no Pulumi.

It can be declared as a resource, or carried out as one more step of a recipe.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .mirror import mirrored
from .versions import AWS_CLI_IMAGE, BUILDKIT_IMAGE

Manifest = dict[str, Any]

DOCKERFILE = "Dockerfile"
TAG_LENGTH = 12
BUILD_USER = 1000
"""The only user that BuildKit's rootless image is made for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """What an image is made of; `files` are those that the Dockerfile copies, by name."""

    name: str
    dockerfile: str
    files: Mapping[str, str] = field(default_factory=dict)
    arguments: Mapping[str, str] = field(default_factory=dict)

    @property
    def sources(self) -> dict[str, str]:
        return {DOCKERFILE: self.dockerfile, **self.files}

    @property
    def tag(self) -> str:
        """Short for all that the image depends on. What the Dockerfile names by a tag that moves is not seen."""
        content = json.dumps([self.sources, dict(self.arguments)], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:TAG_LENGTH]

    @property
    def title(self) -> str:
        """Name of the Job, and of the ConfigMap with its sources. Another content is another Job, as it has to be."""
        return f"image-{self.name}-{self.tag}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """Where images are built, by whom (`account` may push to `repository`), and on what nodes.

    Values that only a cloud knows may be Pulumi's outputs: they are put in their places unseen.
    `registries` are further private ECR hosts of the same region, to pull base images from.
    """

    namespace: Any
    account: Any
    repository: Any
    region: Any
    registries: tuple[str, ...] = ()
    mirror: str | None = None
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Mapping[str, str], ...] = ()
    disk: str = "120Gi"
    """Room on the node for the base image unpacked, the new layers, and what is pushed: thrice a Neuron image."""
    deadline_seconds: int = 2 * 3600


def manifest(build: Build, where: Workshop) -> Manifest:
    """The Job that builds and pushes `build`, or ends at once where its tag is there. Plain data in, plain data out."""
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": build.title, "namespace": where.namespace},
        "spec": {
            "backoffLimit": 2,
            "activeDeadlineSeconds": where.deadline_seconds,
            "podFailurePolicy": {
                "rules": [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}]
            },
            "template": {
                "metadata": {"annotations": {"karpenter.sh/do-not-disrupt": "true"}},
                "spec": _pod(build, where),
            },
        },
    }


def _pod(build: Build, where: Workshop) -> Manifest:
    return {
        "serviceAccountName": where.account,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "restartPolicy": "Never",
        "nodeSelector": dict(where.node_selector),
        "tolerations": [dict(one) for one in where.tolerations],
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": BUILD_USER,
            "runAsGroup": BUILD_USER,
            "fsGroup": BUILD_USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "initContainers": [_login(build, where)],
        "containers": [_buildkit(build, where)],
        "volumes": [
            {"name": "source", "configMap": {"name": build.title}},
            {"name": "context", "emptyDir": {"sizeLimit": "16Mi"}},
            {"name": "tmp", "emptyDir": {"sizeLimit": "16Mi"}},
            {"name": "login", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
            {"name": "layers", "emptyDir": {"sizeLimit": where.disk}},
        ],
    }


LOGIN = """
set -eu
cp -L /source/* /context/
if aws ecr describe-images --repository-name "${REPOSITORY#*/}" --image-ids imageTag="$TAG" >/dev/null 2>/tmp/why; then
  echo "$REPOSITORY:$TAG is there already"
  touch /login/built
  exit 0
fi
grep -q ImageNotFoundException /tmp/why || { cat /tmp/why >&2; exit 1; }
password=$(aws ecr get-login-password)
auth=$(printf 'AWS:%s' "$password" | base64 | tr -d '\\n')
auths=""
for host in "${REPOSITORY%%/*}" $REGISTRIES; do
  auths="$auths${auths:+,}\\"$host\\":{\\"auth\\":\\"$auth\\"}"
done
printf '{"auths":{%s}}' "$auths" >/login/config.json
"""
"""Looks for the tag; where it is not there, writes a login to ECR where BuildKit reads it. It is good for 12 hours, for
all registries of the region that the role may use. And it copies the sources: those of a ConfigMap are links into a
hidden folder, which a Dockerfile's COPY would copy as links."""

BUILD = """
set -eu
if [ -e /login/built ]; then exit 0; fi
exec buildctl-daemonless.sh build --frontend dockerfile.v0 --local context=/context --local dockerfile=/context \
  --output "type=image,name=$REPOSITORY:$TAG,push=true" --progress plain "$@"
"""


def _login(build: Build, where: Workshop) -> Manifest:
    return {
        "name": "login",
        "image": mirrored(AWS_CLI_IMAGE, where.mirror),
        "command": ["/bin/sh", "-c", LOGIN],
        "env": _environment(
            AWS_REGION=where.region,
            HOME="/tmp",  # noqa: S108
            REPOSITORY=where.repository,
            TAG=build.tag,
            REGISTRIES=" ".join(where.registries),
        ),
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "source", "mountPath": "/source", "readOnly": True},
            {"name": "context", "mountPath": "/context"},
            {"name": "login", "mountPath": "/login"},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
        ],
    }


def _buildkit(build: Build, where: Workshop) -> Manifest:
    """BuildKit's own container.

    Its filters are off because to be root inside a user namespace of its own, and nowhere else, it needs system calls
    (unshare, mount) that the runtime's default seccomp and AppArmor profiles forbid; it may gain privileges because the
    helpers newuidmap and newgidmap, which set that namespace up, are setuid. On the node it is an ordinary user, and it
    shares the pod's process namespace with the steps it runs (no-process-sandbox): Kubernetes cannot unmask /proc.
    """
    arguments = [word for name, value in build.arguments.items() for word in ("--opt", f"build-arg:{name}={value}")]
    unfiltered = {"type": "Unconfined"}
    return {
        "name": "buildkit",
        "image": mirrored(BUILDKIT_IMAGE, where.mirror),
        "command": ["/bin/sh", "-c", BUILD, "build", *arguments],
        "env": _environment(
            BUILDKITD_FLAGS="--oci-worker-no-process-sandbox",
            DOCKER_CONFIG="/login",
            REPOSITORY=where.repository,
            TAG=build.tag,
        ),
        "resources": {
            "requests": {"cpu": "3", "memory": "6Gi", "ephemeral-storage": where.disk},
            "limits": {"memory": "12Gi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": True,
            "seccompProfile": unfiltered,
            "appArmorProfile": unfiltered,
        },
        "volumeMounts": [
            {"name": "context", "mountPath": "/context", "readOnly": True},
            {"name": "login", "mountPath": "/login", "readOnly": True},
            {"name": "layers", "mountPath": "/home/user/.local/share/buildkit"},
        ],
    }


def _environment(**values: Any) -> list[Manifest]:
    return [{"name": name, "value": value} for name, value in values.items()]
