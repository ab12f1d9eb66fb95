"""Steps' objects and their pods as the API server gives them, all made at the same noon."""

from datetime import UTC, datetime
from typing import Any

from workloads.programs.run import plan
from workloads.programs.run.states import Seen, seen

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()
"""When each object here was created."""


def stamp(after: float) -> str:
    """A time as Kubernetes writes it, `after` seconds past noon."""
    return datetime.fromtimestamp(NOON + after, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def item(kind: str, status: dict[str, Any] | None, pods: int = 1, ran: float | None = None) -> dict[str, Any]:
    """A step's object as the API server gives it; `pods` is how many run when all do, `ran` when that was noted."""
    noted = {} if ran is None else {plan.RUNNING_SINCE: str(ran)}
    metadata = {
        "name": "train-abc",
        "creationTimestamp": stamp(0),
        "labels": {**plan.OWNED, plan.STEP_LABEL: "train", plan.HASH_LABEL: "abc"},
        "annotations": {plan.PODS: str(pods), plan.DIGEST: "d1", plan.RUN: "first", **noted},
    }
    return {"kind": kind, "metadata": metadata, **({} if status is None else {"status": status})}


def condition(kind: str, status: str = "True", after: float = 90, **told: str) -> dict[str, Any]:
    return {"type": kind, "status": status, "lastTransitionTime": stamp(after), **told}


def read(kind: str, status: dict[str, Any] | None) -> Seen:
    return seen(item(kind, status), [])


def pod(phase: str = "Pending", after: float = 10, **status: Any) -> dict[str, Any]:
    """A pod made `after` seconds past noon."""
    return {"metadata": {"name": "pod", "creationTimestamp": stamp(after)}, "status": {"phase": phase, **status}}


def running(after: float = 20) -> dict[str, Any]:
    state = {"running": {"startedAt": stamp(after)}}
    return pod("Running", containerStatuses=[{"name": "step", "state": state}])


def ended(phase: str, after: float, status: int = 0) -> dict[str, Any]:
    state = {"terminated": {"exitCode": status, "finishedAt": stamp(after)}}
    return pod(phase, containerStatuses=[{"name": "step", "state": state}])


def waiting(reason: str, message: str = "", **status: Any) -> dict[str, Any]:
    state = {"waiting": {"reason": reason, **({"message": message} if message else {})}}
    return pod(containerStatuses=[{"name": "step", "state": state}], **status)


def leaving(one: dict[str, Any], after: float) -> dict[str, Any]:
    return {**one, "metadata": {**one["metadata"], "deletionTimestamp": stamp(after)}}


def unscheduled(message: str, after: float = 10) -> dict[str, Any]:
    return pod(after=after, conditions=[condition("PodScheduled", "False", reason="Unschedulable", message=message)])
