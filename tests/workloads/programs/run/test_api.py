"""What the API server says is taken at its word; what keeps it from saying anything is worth another try."""

import http.server
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest

from tests.conftest import PROJECT
from workloads.programs import folders
from workloads.programs.run import plan as plans
from workloads.programs.run.api import PATHS, STEP_KINDS, Api, RefusedError, UnreachableError
from workloads.programs.run.plan import Plan, StepPlan


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server answers with; `length` is how long it says the content is, where that is not true."""

    status: int = 200
    content: bytes = b"{}"
    length: int | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: Any


def says(**content: Any) -> Answer:
    return Answer(content=json.dumps(content).encode())


def no(status: int, message: str = "in the server's words") -> Answer:
    """An error as the API server gives it."""
    told = {"kind": "Status", "status": "Failure", "message": message, "code": status}
    return Answer(status, json.dumps(told).encode())


@dataclass(slots=True)
class Server:
    """An HTTPS server on loopback. `answer` says what it answers; `requests` has what it was asked."""

    port: int = 0
    answer: Callable[[Request], Answer] = field(default=lambda request: says())
    requests: list[Request] = field(default_factory=list)

    @property
    def last(self) -> Request:
        return self.requests[-1]


@contextmanager
def serving(certificate: Path) -> Iterator[Server]:
    made = Server()

    class Handler(http.server.BaseHTTPRequestHandler):
        timeout = 5

        def answer(self) -> None:
            url = urlparse(self.path)
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = json.loads(content) if content else None
            request = Request(self.command, url.path, parse_qs(url.query), dict(self.headers), body)
            made.requests.append(request)
            answer = made.answer(request)
            time.sleep(answer.seconds)
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(answer.content) if answer.length is None else answer.length))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Quiet."""

    for method in ("GET", "POST", "PATCH", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.answer)

    class Quiet(http.server.ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that goes away, or trusts nobody, is part of the tests."""

    with Quiet(("127.0.0.1", 0), Handler) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, certificate.with_name("server.key"))
        server.socket = context.wrap_socket(server.socket, server_side=True)
        made.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()


def make_certificate(folder: Path) -> Path:
    folder.mkdir()
    key, certificate = folder / "server.key", folder / "server.crt"
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=trainyard-test", "-addext", "subjectAltName=IP:127.0.0.1"]
    made = ["openssl", "req", "-x509", *kind, *names, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(made, check=True, capture_output=True)
    return certificate


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("certificates") / "server")


@pytest.fixture
def server(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with serving(certificate) as server:
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(server.port))
        yield server


@pytest.fixture
def account(certificate: Path, tmp_path: Path) -> Path:
    """The folder that a pod finds its service account in."""
    folder = tmp_path / "account"
    folder.mkdir()
    (folder / "ca.crt").write_bytes(certificate.read_bytes())
    (folder / "token").write_text("first\n")
    (folder / "namespace").write_text("trainyard\n")
    return folder


@pytest.fixture
def api(server: Server, account: Path) -> Api:
    return Api(account, seconds=5)


ITEM = {"kind": "Job", "metadata": {"name": "train-abc"}}

REQUESTS: dict[str, Callable[[Api], Any]] = {
    "list": lambda api: api.list("Job"),
    "get": lambda api: api.get("ConfigMap", "step-train-abc"),
    "create": lambda api: api.create(ITEM),
    "annotate": lambda api: api.annotate("Job", "train-abc", key="value"),
    "delete": lambda api: api.delete("Job", "train-abc"),
}
ALL = pytest.mark.parametrize("what", REQUESTS)


# --- what is asked


def test_each_kind_is_asked_for_where_it_is_found(api: Api, server: Server) -> None:
    server.answer = lambda request: says(items=[])
    for kind in PATHS:
        api.list(kind)
    paths = [request.path for request in server.requests]
    assert all(path.startswith(("/api/v1/", "/apis/")) for path in paths)
    assert "/apis/batch/v1/namespaces/trainyard/jobs" in paths
    assert "/apis/ray.io/v1/namespaces/trainyard/rayjobs" in paths
    assert "/apis/kubeflow.org/v2beta1/namespaces/trainyard/mpijobs" in paths
    assert "/api/v1/namespaces/default/events" in paths
    assert "/apis/karpenter.sh/v1/nodeclaims" in paths


def test_what_a_list_holds_is_told_by_its_kind_which_the_server_leaves_out(api: Api, server: Server) -> None:
    server.answer = lambda request: says(kind="JobList", items=[{"metadata": {"name": "train-abc"}}])
    assert api.list("Job", labelSelector="a=b,c") == [ITEM]
    assert server.last.query == {"labelSelector": ["a=b,c"]}


def test_steps_are_this_projects_objects_of_every_kind_that_the_cluster_knows(api: Api, server: Server) -> None:
    def answer(request: Request) -> Answer:
        known = not request.path.endswith("/rayjobs")
        return says(items=[{"metadata": {"name": request.path.rpartition("/")[2]}}]) if known else no(404)

    server.answer = answer
    assert [(one["kind"], one["metadata"]["name"]) for one in api.steps()] == [("Job", "jobs"), ("MPIJob", "mpijobs")]
    assert len(server.requests) == len(STEP_KINDS)
    for request in server.requests:
        assert request.query == {"labelSelector": [f"app.kubernetes.io/managed-by=trainyard,{plans.STEP_LABEL}"]}


def test_an_object_is_got_by_its_name(api: Api, server: Server) -> None:
    server.answer = lambda request: says(data={"objects.json": "[]"})
    assert api.get("ConfigMap", "step-train-abc") == {"data": {"objects.json": "[]"}}
    assert (server.last.method, server.last.path) == ("GET", "/api/v1/namespaces/trainyard/configmaps/step-train-abc")


def test_an_object_is_created_as_it_is_and_its_fields_are_checked(api: Api, server: Server) -> None:
    api.create(ITEM)
    assert (server.last.method, server.last.path) == ("POST", "/apis/batch/v1/namespaces/trainyard/jobs")
    assert server.last.query == {"fieldValidation": ["Strict"]}
    assert server.last.body == ITEM
    assert server.last.headers["Content-Type"] == "application/json"


def test_annotations_are_merged_with_those_that_are_there(api: Api, server: Server) -> None:
    api.annotate("Job", "train-abc", **{plans.RUNNING_SINCE: "12.5"})
    assert (server.last.method, server.last.path) == ("PATCH", "/apis/batch/v1/namespaces/trainyard/jobs/train-abc")
    assert server.last.headers["Content-Type"] == "application/merge-patch+json"
    assert server.last.body == {"metadata": {"annotations": {plans.RUNNING_SINCE: "12.5"}}}


def test_pods_go_before_the_object_that_made_them(api: Api, server: Server) -> None:
    api.delete("RayJob", "train-abc")
    assert (server.last.method, server.last.path) == (
        "DELETE",
        "/apis/ray.io/v1/namespaces/trainyard/rayjobs/train-abc",
    )
    assert server.last.body == {"propagationPolicy": "Foreground"}


def test_a_log_is_asked_for_by_pod_container_and_lines(api: Api, server: Server) -> None:
    server.answer = lambda request: Answer(content=b"one\ntwo \xff\n")
    assert api.log("train-abc-x", "step", 30) == "one\ntwo \ufffd\n"
    assert server.last.path == "/api/v1/namespaces/trainyard/pods/train-abc-x/log"
    assert server.last.query == {"container": ["step"], "tailLines": ["30"]}


def test_the_token_is_read_anew_for_every_request(api: Api, account: Path, server: Server) -> None:
    server.answer = lambda request: says(items=[])
    api.list("Job")
    (account / "token").write_text("second")
    api.list("Job")
    assert [one.headers["Authorization"] for one in server.requests] == ["Bearer first", "Bearer second"]


# --- what it says


@ALL
@pytest.mark.parametrize("status", [400, 403, 422])
def test_a_no_is_passed_on_in_the_servers_own_words(api: Api, server: Server, what: str, status: int) -> None:
    server.answer = lambda request: no(status, "jobs.batch is forbidden")
    with pytest.raises(RefusedError) as raised:
        REQUESTS[what](api)
    assert (raised.value.status, str(raised.value)) == (status, "jobs.batch is forbidden")


@ALL
@pytest.mark.parametrize("status", [401, 429, 500, 502, 503, 504])
def test_a_server_in_trouble_is_worth_another_try(api: Api, server: Server, what: str, status: int) -> None:
    server.answer = lambda request: no(status, "etcdserver: leader changed")
    with pytest.raises(UnreachableError, match=f"{status} etcdserver: leader changed"):
        REQUESTS[what](api)


@pytest.mark.parametrize("what", ["get", "create"])
def test_what_is_not_there_cannot_be_got(api: Api, server: Server, what: str) -> None:
    server.answer = lambda request: no(404, "not found")
    with pytest.raises(RefusedError, match="not found") as raised:
        REQUESTS[what](api)
    assert raised.value.status == 404


def test_of_a_kind_that_the_cluster_does_not_know_there_is_nothing(api: Api, server: Server) -> None:
    server.answer = lambda request: Answer(404, b"404 page not found\n")
    assert api.list("RayJob") == []


def test_what_is_gone_already_is_deleted_and_annotated_without_a_word(api: Api, server: Server) -> None:
    server.answer = lambda request: no(404)
    api.delete("Job", "train-abc")
    api.annotate("Job", "train-abc", key="value")
    assert [one.method for one in server.requests] == ["DELETE", "PATCH"]


def test_a_note_that_comes_into_anothers_way_is_left_to_the_next_look(api: Api, server: Server) -> None:
    server.answer = lambda request: no(409, "the object has been modified")
    api.annotate("Job", "train-abc", key="value")


def test_a_name_that_is_taken_is_told(api: Api, server: Server) -> None:
    server.answer = lambda request: no(409, 'jobs.batch "train-abc" already exists')
    with pytest.raises(RefusedError, match="already exists") as raised:
        api.create(ITEM)
    assert raised.value.status == 409


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'{"message": "its own words", "reason": "Forbidden"}', "its own words"),
        (b'{"reason": "Forbidden"}', '{"reason": "Forbidden"}'),
        (b"<html>a proxy's</html>", "<html>a proxy's</html>"),
        (b'["no", "status"]', '["no", "status"]'),
        (b"null", "null"),
        (b"", ""),
        (b"not \xff text", "not \ufffd text"),
        (b"long" * 1000, "long" * 125),
    ],
)
def test_whatever_stands_in_an_error_is_told(api: Api, server: Server, content: bytes, told: str) -> None:
    server.answer = lambda request: Answer(403, content)
    with pytest.raises(RefusedError) as raised:
        api.list("Job")
    assert str(raised.value) == told


# --- no answer


@pytest.mark.parametrize("what", ["list", "get"])
@pytest.mark.parametrize("content", [b"", b"<html>", b'{"items": [', b"\xff\xfe"])
def test_an_answer_that_is_no_json_is_no_answer(api: Api, server: Server, what: str, content: bytes) -> None:
    server.answer = lambda request: Answer(content=content)
    with pytest.raises(UnreachableError, match="GET /api"):
        REQUESTS[what](api)


@ALL
def test_an_answer_that_is_cut_off_is_no_answer(api: Api, server: Server, what: str) -> None:
    server.answer = lambda request: Answer(content=b'{"items": []}', length=1000)
    with pytest.raises(UnreachableError):
        REQUESTS[what](api)


def test_an_answer_that_takes_too_long_is_no_answer(server: Server, account: Path) -> None:
    server.answer = lambda request: Answer(content=b'{"items": []}', seconds=1)
    with pytest.raises(UnreachableError, match="timed out"):
        Api(account, seconds=0.2).list("Job")


def test_where_nobody_listens_there_is_no_answer(account: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(free.getsockname()[1]))
        with pytest.raises(UnreachableError, match="GET /apis/batch/v1/namespaces/trainyard/jobs"):
            Api(account).list("Job")


def test_a_server_whose_certificate_is_not_the_clusters_gets_no_token(
    server: Server, account: Path, tmp_path: Path
) -> None:
    (account / "ca.crt").write_bytes(make_certificate(tmp_path / "other").read_bytes())
    with pytest.raises(UnreachableError, match="certificate"):
        Api(account).list("Job")
    assert server.requests == []


@pytest.mark.parametrize("status", [400, 403, 404, 500])
def test_without_a_log_there_is_an_empty_one(api: Api, server: Server, status: int) -> None:
    server.answer = lambda request: no(status, "container is waiting to start")
    assert api.log("train-abc-x", "step", 30) == ""


# --- the program, as a pod starts it

STEP = StepPlan("train", "abc", "step-train-abc", "digest", "runs/r/train-abc", (), 3600)


@dataclass(slots=True)
class Pod:
    """A run's pod: its files are in `folder`, and its shared volume too."""

    folder: Path
    account: Path
    port: int

    @contextmanager
    def started(self) -> Iterator[subprocess.Popen[str]]:
        plan = self.folder / "plan.json"
        plan.write_text(json.dumps(asdict(Plan("r", (STEP,), {}, 3600))))
        files = {"--plan": plan, "--shared": self.shared, "--message": self.message_file, "--account": self.account}
        given = [str(word) for pair in files.items() for word in pair]
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(PROJECT / "workloads"),
            "RUN_UID": "this",
            "KUBERNETES_SERVICE_HOST": "127.0.0.1",
            "KUBERNETES_SERVICE_PORT": str(self.port),
        }
        command = [sys.executable, "-m", "programs.run.main", *given, "--interval", "0.05"]
        told = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        with subprocess.Popen(command, env=environment, **told) as process:
            try:
                yield process
            finally:
                process.kill()

    @property
    def shared(self) -> Path:
        return self.folder / "shared"

    @property
    def message_file(self) -> Path:
        return self.folder / "termination-log"


@pytest.fixture
def pod(server: Server, account: Path, tmp_path: Path) -> Pod:
    server.answer = lambda request: says(items=[])
    return Pod(tmp_path, account, server.port)


def test_a_run_whose_steps_are_done_ends_with_status_0_and_says_so(pod: Pod) -> None:
    folder = pod.shared / STEP.folder
    folder.mkdir(parents=True)
    folders.mark_done(folder)
    with pod.started() as process:
        told, _ = process.communicate(timeout=20)
    assert process.returncode == 0, told
    assert pod.message_file.read_text() == "r: all 1 steps are done"


def test_a_run_that_cannot_go_on_ends_with_status_1_and_the_reason(pod: Pod, server: Server) -> None:
    server.answer = lambda request: no(404, "gone") if "configmaps" in request.path else says(items=[])
    with pod.started() as process:
        told, _ = process.communicate(timeout=20)
    assert process.returncode == 1, told
    assert pod.message_file.read_text() == "step train: the cluster refuses it: gone"
    assert pod.message_file.read_text() in told


def test_a_run_that_is_told_to_go_goes_at_once_and_stops_nothing(pod: Pod, server: Server) -> None:
    data = {"objects.json": json.dumps([ITEM])}
    server.answer = lambda request: says(items=[], metadata={"uid": "uid"}, data=data)
    with pod.started() as process:
        deadline = time.monotonic() + 20
        while not any(one.method == "POST" for one in [*server.requests]) and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        told, _ = process.communicate(timeout=20)
    assert process.returncode == 143, told
    assert {one.method for one in server.requests} == {"GET", "POST"}
