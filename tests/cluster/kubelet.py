"""What a kubelet and a container runtime would do for the pods of a test.

A run's pod is carried out for real: its own command from its own sources, as a process of this machine, with the very
token of its service account, its mounts in a folder. A step's pod needs a Trainium device, so the test says what comes
of it: it fills the step's folder and ends well, fails with a log, or goes on. Pod logs are served over HTTPS, where the
API server fetches them.
"""

import http.server
import shlex
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

from kubernetes import client

from workloads.programs import folders
from workloads.programs.run.plan import STEP_LABEL

from .containers import start
from .control_plane import ControlPlane, stop

SUBMISSION = "--submission-id"
"""With what a pod submits a program to a Ray cluster."""


@dataclass(slots=True)
class Behaviour:
    """What becomes of a step's pod: it ends with `status` after `seconds`, or goes on for as long as that is None.

    A pod keeps the behaviour that its step had when it began.
    """

    status: int | None = 0
    seconds: float = 0.0
    log: str = "carried out"


@dataclass(frozen=True, slots=True)
class Started:
    """A step's pod that began to run; `beside` are other steps' pods that ran at that moment."""

    namespace: str
    step: str
    pod: str
    beside: tuple[str, ...]


@dataclass(slots=True)
class Kubelet:
    """Plays every pod that has a node. `steps` says how those of a step behave; without a word they end well."""

    plane: ControlPlane
    folder: Path
    port: int = 0
    steps: dict[str, Behaviour] = field(default_factory=dict)
    started: list["Started"] = field(default_factory=list)
    """Every step's pod that ran, in order."""
    submitted: dict[str, tuple[int | None, str]] = field(default_factory=dict)
    """Exit status, None while it goes on, and log of each program that was submitted to a Ray cluster, by its id."""
    _processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _alive: list[tuple[str, str]] = field(default_factory=list)
    _ended: dict[str, tuple[int, str, str]] = field(default_factory=dict)
    """Exit status, termination message and log of each pod that has ended, by its uid.

    The API server is told for as long as it has the pod running: the first word may be lost, or kwok, which starts
    pods, may write its own over it.
    """
    _begun: dict[str, tuple[float, Behaviour]] = field(default_factory=dict)
    _logs: dict[tuple[str, str], str] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)

    def shared(self, namespace: str) -> Path:
        """The folder that is the shared volume of a namespace."""
        return self.folder / "volumes" / namespace

    def processes(self, namespace: str) -> list[subprocess.Popen[bytes]]:
        """The runs that go on in a namespace."""
        return [one for key, one in self._processes.items() if key.startswith(f"{namespace}/")]

    def run(self) -> None:
        core = client.CoreV1Api(self.plane.api)
        while not self._stop.wait(0.1):
            try:
                found: Any = core.list_pod_for_all_namespaces(field_selector="spec.nodeName!=").items
                plain: Any = core.api_client.sanitize_for_serialization(found)
                self._turn(core, plain)
            except Exception as error:
                self._say(error)

    def _turn(self, core: client.CoreV1Api, pods: list[dict[str, Any]]) -> None:
        self._alive = [
            (pod["metadata"]["namespace"], pod["metadata"]["name"])
            for pod in pods
            if STEP_LABEL in (pod["metadata"].get("labels") or {}) and pod["status"].get("phase") == "Running"
        ]
        there = {pod["metadata"]["uid"] for pod in pods if not pod["metadata"].get("deletionTimestamp")}
        for key, process in list(self._processes.items()):
            if key.rpartition("/")[2] not in there:
                stop(process)
                del self._processes[key]
        for pod in pods:
            if pod["status"].get("phase") == "Running" and pod["metadata"]["uid"] in there:
                try:
                    self._play(core, pod)
                except Exception as error:  # a pod may go at any moment; the next turn sees
                    self._say(error)

    def _say(self, error: Exception) -> None:
        if not self._stop.is_set():
            print(f"kubelet: {error}", file=sys.stderr)

    def _play(self, core: client.CoreV1Api, pod: dict[str, Any]) -> None:
        metadata, uid = pod["metadata"], pod["metadata"]["uid"]
        step = (metadata.get("labels") or {}).get(STEP_LABEL)
        ended = self._ended.get(uid) or (self._step(pod, step) if step else self._process(core, pod))
        if ended:
            self._ended[uid] = ended
            self._logs[metadata["namespace"], metadata["name"]] = ended[2]
            core.patch_namespaced_pod_status(metadata["name"], metadata["namespace"], _ended_status(pod, *ended))

    def _step(self, pod: dict[str, Any], step: str) -> tuple[int, str, str] | None:
        """Exit status, termination message and log of a step's pod; None while it goes on."""
        metadata = pod["metadata"]
        if metadata["uid"] not in self._begun:
            self._begun[metadata["uid"]] = time.monotonic(), self.steps.get(step, Behaviour())
            beside = tuple(
                pod for place, pod in self._alive if place == metadata["namespace"] and pod != metadata["name"]
            )
            self.started.append(Started(metadata["namespace"], step, metadata["name"], beside))
        begun, behaviour = self._begun[metadata["uid"]]
        if not carries_out(pod):
            return None
        self._logs[metadata["namespace"], metadata["name"]] = behaviour.log
        over = behaviour.status is not None and time.monotonic() - begun >= behaviour.seconds
        if over and behaviour.status == 0:
            fill(self.shared(metadata["namespace"]), pod)
        words = _words(pod)
        if SUBMISSION in words:
            status = behaviour.status if over else None
            self.submitted[words[words.index(SUBMISSION) + 1]] = status, behaviour.log
        return (behaviour.status, "", behaviour.log) if over and behaviour.status is not None else None

    def _process(self, core: client.CoreV1Api, pod: dict[str, Any]) -> tuple[int, str, str] | None:
        """Starts the process of a pod, or looks whether it has ended."""
        metadata = pod["metadata"]
        key = f"{metadata['namespace']}/{metadata['uid']}"
        root = self.folder / "pods" / metadata["uid"]
        if key not in self._processes:
            self._processes[key] = start(core, self.plane, pod, root, self.shared(metadata["namespace"]))
        status = self._processes[key].poll()
        log = (root / "log").read_text(errors="replace")
        self._logs[metadata["namespace"], metadata["name"]] = log
        if status is None:
            return None
        del self._processes[key]
        message = root / "dev" / "termination-log"
        return (status if status >= 0 else 128 - status), message.read_text() if message.exists() else "", log

    def log(self, namespace: str, pod: str, lines: int | None) -> str:
        text = self._logs.get((namespace, pod), "").splitlines()
        return "\n".join(text[-lines:] if lines else text)

    def end(self) -> None:
        self._stop.set()
        for process in self._processes.values():
            process.send_signal(signal.SIGKILL)
            process.wait()


def carries_out(pod: Mapping[str, Any]) -> bool:
    """Whether a step's pod starts its program, and does not just stand ready for another that does."""
    return "--out" in _words(pod)


def _words(pod: Mapping[str, Any]) -> list[str]:
    """What the first container of a pod starts, word by word, also where it leaves that to a shell."""
    container = pod["spec"]["containers"][0]
    return shlex.split(" ".join([*container.get("command", ()), *container.get("args", ())]))


def fill(shared: Path, pod: Mapping[str, Any]) -> None:
    """Does what a step's program does at its end: a whole folder where the manifest says."""
    words = _words(pod)
    out = shared / Path(words[words.index("--out") + 1]).relative_to("/shared")
    out.mkdir(parents=True, exist_ok=True)
    (out / "result.txt").write_text("made by a test")
    folders.mark_done(out)


def _ended_status(pod: dict[str, Any], status: int, message: str, _log: str) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat()
    reason = "Completed" if status == 0 else "Error"
    ended = {"exitCode": status, "reason": reason, "message": message, "startedAt": now, "finishedAt": now}
    container = pod["status"]["containerStatuses"][0]
    why = {"status": "False", "reason": "PodCompleted" if status == 0 else "PodFailed", "lastTransitionTime": now}
    return {
        "status": {
            "phase": "Succeeded" if status == 0 else "Failed",
            "conditions": [{"type": kind, **why} for kind in ("ContainersReady", "Ready")],
            "containerStatuses": [{**container, "ready": False, "state": {"terminated": ended, "running": None}}],
        }
    }


@contextmanager
def kubelet(plane: ControlPlane, folder: Path) -> Iterator[Kubelet]:
    """A kubelet that plays pods and serves their logs."""
    one = Kubelet(plane, folder)

    class Logs(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlparse(self.path)
            _, _, namespace, pod, _ = url.path.split("/")
            query = parse_qs(url.query)
            lines = query.get("tailLines")
            text = one.log(namespace, pod, int(lines[0]) if lines else None)
            if query.get("timestamps") == ["true"]:
                now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")
                text = "\n".join(f"{now} {line}" for line in text.splitlines())
            content = text.encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Says nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Logs)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(plane.certificate, plane.key)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    one.port = server.server_address[1]
    threads = [threading.Thread(target=target, daemon=True) for target in (server.serve_forever, one.run)]
    for thread in threads:
        thread.start()
    try:
        yield one
    finally:
        one.end()
        server.shutdown()
