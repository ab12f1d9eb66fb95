"""A real control plane on loopback: etcd, API server, controller manager, scheduler, and kwok to play the nodes.

Only the machines are made up. What an API server refuses, a scheduler finds no room for, a quota or a right forbids,
and how Jobs, owners and claims behave, is the real thing.
"""

import json
import os
import secrets
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client, config, dynamic
from kubernetes.dynamic import exceptions

from tests import tools

SECONDS = 60
"""How long each part may take to come up."""


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """A running control plane. `kubeconfig` is its administrator's; `folder` holds certificates, keys and logs."""

    folder: Path
    kubeconfig: Path
    certificate: Path
    key: Path
    port: int

    def kubectl(self, line: str) -> str:
        """What a command line that begins with `kubectl` prints when a shell runs it."""
        environment = {**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}", "KUBECONFIG": str(self.kubeconfig)}
        done = subprocess.run(["sh", "-c", line], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        return done.stdout

    @property
    def api(self) -> client.ApiClient:
        return config.new_client_from_config(str(self.kubeconfig))

    def objects(self, api_version: str, kind: str) -> Any:
        """The dynamic client's handle on a kind."""
        return dynamic.DynamicClient(self.api).resources.get(api_version=api_version, kind=kind)

    def define(self, definitions: Iterable[dict[str, Any]]) -> None:
        """Creates those CustomResourceDefinitions that are not there yet; their kinds can be used then."""
        kinds, items = self.objects("apiextensions.k8s.io/v1", "CustomResourceDefinition"), list(definitions)
        for item in items:
            with suppress(exceptions.ConflictError):
                kinds.create(item)
        for item in items:
            _until(lambda item=item: self._serves(item["spec"]), item["metadata"]["name"])

    def _serves(self, kind: dict[str, Any]) -> bool:
        version = next(one["name"] for one in kind["versions"] if one["served"])
        try:
            return self.objects(f"{kind['group']}/{version}", kind["names"]["kind"]).get() is not None
        except (exceptions.ResourceNotFoundError, exceptions.NotFoundError):
            return False


@contextmanager
def control_plane(folder: Path) -> Iterator[ControlPlane]:
    """Starts all of it in `folder` and ends it again; tools.MissingError where a part cannot be had."""
    programs = {name: tools.find(name) for name in tools.CONTROL_PLANE}
    with ExitStack() as running:

        def start(name: str, *flags: str) -> subprocess.Popen[bytes]:
            return running.enter_context(process(programs[name], folder / f"{name}.log", *flags))

        made = _prepare(folder)
        (folder / "kubectl").symlink_to(programs["kubectl"])
        store, peers = free_port(), free_port()
        start("etcd", *_etcd_flags(folder, store, peers))
        server = start("kube-apiserver", *_api_server_flags(made, store))
        _until(lambda: _ready(made), f"the API server ({folder}/kube-apiserver.log)", server)
        start("kube-controller-manager", *_manager_flags(made))
        start("kube-scheduler", f"--kubeconfig={made.kubeconfig}", "--leader-elect=false", "--secure-port=0")
        start("kwok", *_kwok_flags(made))
        yield made


@contextmanager
def process(
    program: Path, log: Path, *flags: str, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Starts a program that goes on, and ends it again; RuntimeError if it did so by itself.

    `environment` adds to this process's own.
    """
    told = {**os.environ, **(environment or {})}
    with log.open("wb") as file, subprocess.Popen([program, *flags], stdout=file, stderr=file, env=told) as started:
        try:
            yield started
            if started.poll() is not None:
                raise RuntimeError(f"{program.name} ended by itself: {log.read_text()[-1000:]}")
        finally:
            stop(started)


def stop(process: subprocess.Popen[bytes], seconds: float = 10) -> None:
    """Asks a process to end, and makes it end where it does not in time."""
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def _prepare(folder: Path) -> ControlPlane:
    """A key and a certificate for all that listens, an administrator's token, and the kubeconfig that uses it."""
    key, certificate = folder / "server.key", folder / "server.crt"
    names = "subjectAltName=DNS:localhost,DNS:kubernetes.default.svc,IP:127.0.0.1,IP:10.0.0.1"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=trainyard-test"]
    done = [*request, "-addext", names, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(done, check=True, capture_output=True)
    token, port = secrets.token_hex(16), free_port()
    (folder / "tokens.csv").write_text(f"{token},admin,admin,system:masters\n")
    written = folder / "kubeconfig"
    written.write_text(json.dumps(kubeconfig(port, certificate, token)))
    return ControlPlane(folder, written, certificate, key, port)


def kubeconfig(port: int, certificate: Path, token: str) -> dict[str, Any]:
    """What a client needs that comes with `token`."""
    cluster = {"server": f"https://127.0.0.1:{port}", "certificate-authority": str(certificate)}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "admin", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
        "current-context": "test",
    }


def _etcd_flags(folder: Path, store: int, peers: int) -> list[str]:
    client_url, peer_url = f"http://127.0.0.1:{store}", f"http://127.0.0.1:{peers}"
    urls = [f"--listen-client-urls={client_url}", f"--advertise-client-urls={client_url}"]
    peer = [f"--listen-peer-urls={peer_url}", f"--initial-advertise-peer-urls={peer_url}"]
    return [f"--data-dir={folder / 'etcd'}", *urls, *peer, f"--initial-cluster=default={peer_url}", "--unsafe-no-fsync"]


def _api_server_flags(made: ControlPlane, store: int) -> list[str]:
    return [
        f"--etcd-servers=http://127.0.0.1:{store}",
        "--bind-address=127.0.0.1",
        f"--secure-port={made.port}",
        f"--tls-cert-file={made.certificate}",
        f"--tls-private-key-file={made.key}",
        f"--token-auth-file={made.folder / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={made.key}",
        f"--service-account-signing-key-file={made.key}",
        "--service-cluster-ip-range=10.0.0.0/24",
        # some clusters guard who may hold up an owner's deletion: the strictest case
        "--enable-admission-plugins=OwnerReferencesPermissionEnforcement",
        "--kubelet-preferred-address-types=InternalIP",
        "--allow-privileged=true",
    ]


def _manager_flags(made: ControlPlane) -> list[str]:
    return [
        f"--kubeconfig={made.kubeconfig}",
        "--leader-elect=false",
        "--secure-port=0",
        f"--service-account-private-key-file={made.key}",
        f"--root-ca-file={made.certificate}",
        "--pvclaimbinder-sync-period=1s",
    ]


def _kwok_flags(made: ControlPlane) -> list[str]:
    stages = made.folder / "stages.yaml"
    stages.write_text(
        yaml.safe_dump_all([_stage("pod-runs", "DoesNotExist", RUNS), _stage("pod-goes", "Exists", GOES)])
    )
    return [
        f"--kubeconfig={made.kubeconfig}",
        f"--config={stages}",
        "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
        "--node-lease-duration-seconds=40",
        "--node-ip=127.0.0.1",
        f"--server-address=127.0.0.1:{free_port()}",
    ]


def _stage(name: str, deletion: str, following: dict[str, Any]) -> dict[str, Any]:
    """A stage of kwok's for pods that are, or are not yet, being deleted."""
    conditions = [{"key": ".metadata.deletionTimestamp", "operator": deletion}]
    if deletion == "DoesNotExist":
        conditions.append({"key": ".status.podIP", "operator": "DoesNotExist"})
    return {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "Stage",
        "metadata": {"name": name},
        "spec": {
            "resourceRef": {"apiGroup": "v1", "kind": "Pod"},
            "selector": {"matchExpressions": conditions},
            "next": following,
        },
    }


RUNS = {
    "statusTemplate": """
phase: Running
podIP: 127.0.0.1
startTime: {{ Now | Quote }}
conditions:
- {type: PodReadyToStartContainers, status: "True", lastTransitionTime: {{ Now | Quote }}}
- {type: Initialized, status: "True", lastTransitionTime: {{ Now | Quote }}}
- {type: ContainersReady, status: "True", lastTransitionTime: {{ Now | Quote }}}
- {type: Ready, status: "True", lastTransitionTime: {{ Now | Quote }}}
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  imageID: {{ printf "%s@sha256:%064d" .image 7 | Quote }}
  ready: true
  restartCount: 0
  state: {running: {startedAt: {{ Now | Quote }}}}
{{ end }}
"""
}
"""A pod that was given a node runs at once, and goes on until the test's kubelet ends it."""

GOES = {"finalizers": {"empty": True}, "delete": True}


def _ready(made: ControlPlane) -> bool:
    try:
        return client.CoreV1Api(made.api).read_namespace("kube-system") is not None
    except Exception:  # whatever it says while it comes up
        return False


def _until(true: Callable[[], bool], what: str, process: subprocess.Popen[bytes] | None = None) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        if (process and process.poll() is not None) or time.monotonic() > deadline:
            raise RuntimeError(f"{what} did not come up")
        time.sleep(0.2)


RELEASES = (
    "https://raw.githubusercontent.com/kubeflow/mpi-operator/v0.8.0/deploy/v2beta1/mpi-operator.yaml",
    "https://raw.githubusercontent.com/ray-project/kuberay/v1.7.0/helm-chart/kuberay-operator/crds/ray.io_rayclusters.yaml",
    "https://raw.githubusercontent.com/ray-project/kuberay/v1.7.0/helm-chart/kuberay-operator/crds/ray.io_rayjobs.yaml",
    "https://raw.githubusercontent.com/volcano-sh/volcano/v1.15.1/config/crd/volcano/bases/scheduling.volcano.sh_podgroups.yaml",
    "https://raw.githubusercontent.com/volcano-sh/volcano/v1.15.1/config/crd/volcano/bases/scheduling.volcano.sh_queues.yaml",
    "https://raw.githubusercontent.com/volcano-sh/volcano/v1.15.1/config/crd/volcano/bases/batch.volcano.sh_jobs.yaml",
    "https://raw.githubusercontent.com/aws/karpenter-provider-aws/v1.14.1/pkg/apis/crds/karpenter.sh_nodeclaims.yaml",
    "https://raw.githubusercontent.com/aws/karpenter-provider-aws/v1.14.1/pkg/apis/crds/karpenter.sh_nodepools.yaml",
)


def crds() -> list[dict[str, Any]]:
    """The operators' definitions: from the folder that TRAINYARD_CRDS names, else from their releases, kept once had.

    MissingError where neither can be reached.
    """
    folder = Path(os.environ.get("TRAINYARD_CRDS") or tools.CACHE / "crds")
    if "TRAINYARD_CRDS" not in os.environ:
        folder.mkdir(parents=True, exist_ok=True)
        for address in RELEASES:
            _fetch(address, folder / address.rpartition("/")[2])
    items = (item for path in sorted(folder.glob("*.yaml")) for item in yaml.safe_load_all(path.read_text()))
    return [item for item in items if item and item["kind"] == "CustomResourceDefinition"]


def _fetch(address: str, path: Path) -> None:
    if path.exists():
        return
    try:
        with urllib.request.urlopen(address, timeout=30) as answer:  # noqa: S310
            content = answer.read()
    except OSError as error:
        raise tools.MissingError(f"TRAINYARD_CRDS names no folder, and {address} gives no answer: {error}") from None
    path.write_bytes(content)
