"""A pod's only container as a process of this machine: its mounts are folders, its account's token a real one."""

import base64
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kubernetes import client

from .control_plane import ControlPlane


def start(
    core: client.CoreV1Api, plane: ControlPlane, pod: dict[str, Any], root: Path, shared: Path
) -> subprocess.Popen[bytes]:
    """Starts a pod's only container as a process, its mounts below `root`."""
    namespace, container = pod["metadata"]["namespace"], pod["spec"]["containers"][0]
    shutil.rmtree(root, ignore_errors=True)
    (root / "dev").mkdir(parents=True)
    shared.mkdir(parents=True, exist_ok=True)
    places = {"/dev/termination-log": str(root / "dev" / "termination-log"), **_mounts(core, pod, root, shared)}
    account = root / "account"
    _write_account(core, plane, namespace, pod["spec"]["serviceAccountName"], account)
    words = [_placed(word, places) for word in (*container["command"], *container.get("args", ()))]
    environment = {one["name"]: _placed(_value(one, pod), places) for one in container["env"]}
    service = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(plane.port)}
    with (root / "log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, *words[1:], "--account", str(account), "--interval", "0.2"],
            env={"PATH": os.environ["PATH"], **environment, **service},
            cwd=root,
            stdout=log,
            stderr=log,
        )


def _mounts(core: client.CoreV1Api, pod: dict[str, Any], root: Path, shared: Path) -> dict[str, str]:
    """Where this machine has what the container sees: each mount path with a folder."""
    volumes = {one["name"]: one for one in pod["spec"]["volumes"]}
    places: dict[str, str] = {}
    for mount in pod["spec"]["containers"][0]["volumeMounts"]:
        volume = volumes[mount["name"]]
        if "persistentVolumeClaim" in volume:
            places[mount["mountPath"]] = str(shared)
        elif "configMap" in volume:
            folder = root / mount["name"]
            _write_config_map(core, pod["metadata"]["namespace"], volume["configMap"]["name"], folder)
            places[mount["mountPath"]] = str(folder)
    return places


def _write_config_map(core: client.CoreV1Api, namespace: str, name: str, folder: Path) -> None:
    folder.mkdir(parents=True)
    found: Any = core.read_namespaced_config_map(name, namespace)
    for key, text in (found.data or {}).items():
        (folder / key).write_text(text)
    for key, encoded in (found.binary_data or {}).items():
        (folder / key).write_bytes(base64.b64decode(encoded))


def _write_account(core: client.CoreV1Api, plane: ControlPlane, namespace: str, name: str, folder: Path) -> None:
    folder.mkdir()
    spec = client.V1TokenRequestSpec(audiences=["https://kubernetes.default.svc"], expiration_seconds=3600)
    request = client.AuthenticationV1TokenRequest(spec=spec)
    made: Any = core.create_namespaced_service_account_token(name, namespace, request)
    (folder / "token").write_text(made.status.token)
    (folder / "namespace").write_text(namespace)
    shutil.copy(plane.certificate, folder / "ca.crt")


def _placed(text: str, places: Mapping[str, str]) -> str:
    for inside, outside in sorted(places.items(), key=lambda item: -len(item[0])):
        if text == inside or text.startswith(f"{inside}/"):
            return outside + text[len(inside) :]
    return text


def _value(one: dict[str, Any], pod: dict[str, Any]) -> str:
    if "value" in one:
        return one["value"]
    path = one["valueFrom"]["fieldRef"]["fieldPath"]
    kind, _, key = path.removesuffix("']").partition("['")
    return pod["metadata"][kind.removeprefix("metadata.")][key]
