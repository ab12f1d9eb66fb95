"""The Kubernetes double without a cluster: what it waits for, and what it says of a preview."""

from collections.abc import Mapping
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2

from .doubles import awaits, serve
from .doubles.cluster import Cluster
from .doubles.kubernetes import Kubernetes
from .doubles.provider import UNKNOWN, marshal, unmarshal
from .given import JOB, changed, manifest, stub

# --- Kubernetes: waits


class Still(Cluster):
    """A cluster where nothing moves."""

    def __init__(self, *pods: dict[str, Any]):
        super().__init__({})
        self._pods = list(pods)

    def get(self, wanted: Mapping[str, Any]) -> dict[str, Any] | None:
        return None

    def select(self, api_version: str, kind: str, namespace: str, labels: Mapping[str, str]) -> list[dict[str, Any]]:
        return self._pods


def job(**condition: str) -> dict[str, Any]:
    """A live Job, started and in one condition."""
    live = changed(JOB, "status", {"startTime": "now", "conditions": [{"status": "True", **condition}]})
    return changed(live, "spec.selector", {"matchLabels": {"job": "train"}})


def test_a_complete_job_ends_the_wait() -> None:
    complete = job(type="Complete")
    assert awaits.settle(Still(), complete, 0, lambda _: False) == complete


def test_a_failed_job_ends_the_wait_with_the_last_words_of_its_pods() -> None:
    ended = {"terminated": {"exitCode": 3, "reason": "Error", "message": "out of memory"}}
    pod = manifest("Pod", status={"phase": "Failed", "containerStatuses": [{"name": "main", "state": ended}]})
    failed = job(type="Failed", reason="BackoffLimitExceeded", message="too often")
    with pytest.raises(awaits.UnreadyError, match="failed to initialize") as caught:
        awaits.settle(Still(pod), failed, 60, lambda _: False)
    assert caught.value.reasons == [
        "[BackoffLimitExceeded] too often",
        '[Pod runs/one]: container "main" completed with exit code 3: [Error] out of memory',
    ]


def test_a_job_that_failed_for_a_reason_unknown_to_the_provider_is_waited_for_to_the_end() -> None:
    failed = job(type="Failed", reason="PodFailurePolicy")
    with pytest.raises(awaits.UnreadyError, match="timed out"):
        awaits.settle(Still(), failed, 0, lambda _: False)
    with pytest.raises(awaits.UnreadyError, match="cancelled"):
        awaits.settle(Still(), failed, 60, lambda _: True)


def test_a_claim_waits_for_its_volume() -> None:
    claim = manifest("PersistentVolumeClaim", spec={"storageClassName": "none"}, status={"phase": "Pending"})
    with pytest.raises(awaits.UnreadyError, match="timed out"):
        awaits.settle(Still(), claim, 0, lambda _: False)
    bound = changed(claim, "status.phase", "Bound")
    assert awaits.settle(Still(), bound, 0, lambda _: False) == bound


# --- Kubernetes: without a cluster


def test_a_preview_without_a_cluster_gives_the_inputs_back() -> None:
    inputs = changed(JOB, "metadata.labels.app", UNKNOWN)
    with serve(Kubernetes()) as port, stub(port) as engine:
        for wanted in (inputs, JOB):
            made = engine.Create(provider_pb2.CreateRequest(properties=marshal(wanted), preview=True))
            assert unmarshal(made.properties) == wanted


def test_without_a_kubeconfig_nothing_is_created_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", __file__)
    with serve(Kubernetes()) as port, stub(port) as engine, pytest.raises(grpc.RpcError, match="no kubeconfig"):
        engine.Create(provider_pb2.CreateRequest(properties=marshal(JOB)))
