"""What the API server says is taken at its word; what keeps it from saying anything is worth another try."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.workloads.programs.run.server import ITEM, Answer, Request, Server, make_certificate, no, says
from workloads.programs.run import plan as plans
from workloads.programs.run.api import PATHS, STEP_KINDS, Api, RefusedError, UnreachableError

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
