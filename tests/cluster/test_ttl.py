"""The end in time, on a real API server: with its own rights and no others, on a real Job controller."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.guard.ttl import NAME, Ttl, TtlArgs
from components.step import Bundle
from tests.components.recorded import recorded
from workloads.programs import ttl
from workloads.programs.run.plan import OWNED, STEP_LABEL

from .control_plane import ControlPlane

HOUR = 3600.0
RUN, BENCH = "trainyard-run", "workbench"
SECONDS = 30
RIGHTS = ("ServiceAccount", "Role", "RoleBinding")


@pytest.fixture
def keeper(
    plane: ControlPlane, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[float], None]:
    """Runs the program once, some seconds from now, as its pod would, with the rights that the component asks for."""

    def declare() -> None:
        bundle = Bundle(name="program-ttl", file="program.zip", content="")
        Ttl(
            "ttl",
            TtlArgs(
                namespace=namespace, hours=1, bundle=bundle, module="ttl", run=RUN, image="python:3", workbench=BENCH
            ),
        )

    for one in recorded(declare).resources:
        if one.type.rpartition(":")[2] in RIGHTS:
            wanted = dict(one.inputs)
            plane.objects(wanted["apiVersion"], wanted["kind"]).create(wanted, namespace=namespace)
    account = tmp_path / "account"
    account.mkdir()
    token = plane.kubectl(f"kubectl create token {NAME} --namespace {namespace}")
    (account / "token").write_text(token)
    (account / "namespace").write_text(namespace)
    (account / "ca.crt").write_bytes(plane.certificate.read_bytes())
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(plane.port))

    def look(later: float) -> None:
        api, now = ttl.Keeper(account), time.time() + later
        ttl.stop(api, RUN, HOUR, now)
        ttl.rest(api, BENCH, HOUR, now)

    return look


def template() -> dict[str, Any]:
    containers = [{"name": "x", "image": "registry.test/x"}]
    return {"metadata": {"labels": {"app": "x"}}, "spec": {"restartPolicy": "Never", "containers": containers}}


def start(plane: ControlPlane, namespace: str, name: str, labels: dict[str, str]) -> None:
    job = {"metadata": {"name": name, "labels": labels}, "spec": {"backoffLimit": 0, "template": template()}}
    plane.objects("batch/v1", "Job").create(job, namespace=namespace)
    eventually(lambda: (jobs(plane, namespace)[name].status or {}).get("active") == 1)


def jobs(plane: ControlPlane, namespace: str) -> dict[str, Any]:
    return {one.metadata.name: one for one in plane.objects("batch/v1", "Job").get(namespace=namespace).items}


def pods(plane: ControlPlane, namespace: str) -> list[str]:
    return [one.metadata.name for one in plane.objects("v1", "Pod").get(namespace=namespace).items]


def has_failed(plane: ControlPlane, namespace: str, job: str) -> bool:
    conditions = jobs(plane, namespace)[job].status.conditions or ()
    return ("Failed", "DeadlineExceeded") in [(one["type"], one["reason"]) for one in conditions]


def eventually(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.2)


STEP = {**OWNED, STEP_LABEL: "train"}


def test_in_its_time_everything_goes_on(keeper: Callable[[float], None], plane: ControlPlane, namespace: str) -> None:
    start(plane, namespace, RUN, OWNED)
    start(plane, namespace, "train-0", STEP)
    keeper(0)
    assert set(jobs(plane, namespace)) == {RUN, "train-0"}
    assert len(pods(plane, namespace)) == 2


def test_after_it_the_run_has_failed_its_steps_are_gone_and_no_pod_is_left(
    keeper: Callable[[float], None], plane: ControlPlane, namespace: str
) -> None:
    start(plane, namespace, RUN, OWNED)
    start(plane, namespace, "train-0", STEP)
    start(plane, namespace, "image-0", OWNED)
    keeper(HOUR + 1)
    eventually(lambda: len(pods(plane, namespace)) == 1)
    eventually(lambda: set(jobs(plane, namespace)) == {RUN, "image-0"})
    eventually(lambda: has_failed(plane, namespace, RUN))


def test_a_second_look_finds_nothing_more_to_do(
    keeper: Callable[[float], None], plane: ControlPlane, namespace: str
) -> None:
    start(plane, namespace, RUN, OWNED)
    keeper(HOUR + 1)
    eventually(lambda: has_failed(plane, namespace, RUN))
    before = jobs(plane, namespace)[RUN].metadata.resourceVersion
    keeper(HOUR + 1)
    assert jobs(plane, namespace)[RUN].metadata.resourceVersion == before


def test_the_workbench_sleeps(keeper: Callable[[float], None], plane: ControlPlane, namespace: str) -> None:
    made = template()
    made["spec"]["restartPolicy"] = "Always"
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "x"}}, "serviceName": BENCH, "template": made}
    plane.objects("apps/v1", "StatefulSet").create({"metadata": {"name": BENCH}, "spec": spec}, namespace=namespace)
    eventually(lambda: pods(plane, namespace) == [f"{BENCH}-0"])
    keeper(0)
    assert pods(plane, namespace) == [f"{BENCH}-0"]
    keeper(HOUR + 1)
    eventually(lambda: not pods(plane, namespace))


def test_it_may_stop_nothing_else(keeper: Callable[[float], None], plane: ControlPlane, namespace: str) -> None:
    whom = f"--as=system:serviceaccount:{namespace}:{NAME} --namespace {namespace}"
    for denied in ("delete pods", "delete statefulsets", "get secrets", "create jobs", "patch job/train-0"):
        assert plane.kubectl(f"kubectl auth can-i {denied} {whom} || true").strip() == "no"
    assert plane.kubectl(f"kubectl auth can-i patch job/{RUN} {whom}").strip() == "yes"
