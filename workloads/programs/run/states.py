"""What state a step's object is in: a Job, a RayJob or an MPIJob, by what its controller wrote into its status.

The three say it in three ways, and each has states that look like an end and are none. Read from the sources of
Kubernetes 1.35, KubeRay 1.7 and MPI operator 0.8:

- A Job has ended when the condition Complete or Failed is true. FailureTarget and SuccessCriteriaMet come before, while
  its pods are still leaving.
- A RayJob has succeeded when Ray says SUCCEEDED and the operator Complete. `ray job stop` ends as Complete too. A Ray
  cluster that was never there ends as Failed with whatever Ray last said; ValidationFailed has no end time at all.
- An MPIJob's Failed is final once completionTime is set: an evicted worker sets Failed without it, and the launcher,
  tried again, can still succeed.

A Job knows the exit statuses by which a program says that trying again will not help. The other two try again all the
same, and have to be stopped. And the MPI operator makes no worker anew that has failed: such a job has to be made anew
as a whole.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from ..errors import EXIT_DISK_FULL, EXIT_USER_ERROR
from . import plan

Json = Mapping[str, Any]


class Phase(Enum):
    WAITING = "waiting"
    """Not all of its pods run yet, or not any more."""
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    LEAVING = "leaving"
    """It is being deleted."""


ENDED = {Phase.SUCCEEDED, Phase.FAILED}
ACTIVE = {Phase.WAITING, Phase.RUNNING}


@dataclass(frozen=True, slots=True)
class Seen:
    """One step's object. Times are in seconds since 1970.

    `since` is when its present phase began, or its pods got stuck; infinity where it ran before and nothing tells.
    """

    kind: str
    name: str
    step: str
    hash: str
    digest: str
    run: str
    phase: Phase
    since: float
    running_since: float | None = None
    """When all its pods first ran, once the run has noted it."""
    reason: str = ""
    """Why it failed, or what it waits for, in the cluster's own words."""
    stuck: bool = False
    """A container cannot start, and waiting will not mend it."""
    hopeless: str = ""
    """What the program ended with, where it says that trying again will not help and its controller will try again."""
    crippled: bool = False
    """A pod of it has failed that nobody makes anew."""
    pods: tuple[Json, ...] = field(default=(), repr=False, compare=False)


def seen(item: Json, pods: Sequence[Json]) -> Seen:
    """`item` as the API server gives it, with `pods` those of its step."""
    metadata = item["metadata"]
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    created = seconds(metadata["creationTimestamp"])
    outcome = OUTCOMES[item["kind"]](item.get("status") or {})
    wanted = int(annotations.get(plan.PODS, "1"))
    noted = annotations.get(plan.RUNNING_SINCE)
    if metadata.get("deletionTimestamp"):
        phase, since, reason = Phase.LEAVING, seconds(metadata["deletionTimestamp"]), ""
    elif outcome:
        phase, reason, since = outcome.phase, outcome.reason, outcome.at or created
    else:
        phase, since, reason = _progress(pods, wanted, math.inf if noted else created)
    goes_on = phase in ACTIVE
    return Seen(
        kind=item["kind"],
        name=metadata["name"],
        step=labels.get(plan.STEP_LABEL, ""),
        hash=labels.get(plan.HASH_LABEL, ""),
        digest=annotations.get(plan.DIGEST, ""),
        run=annotations.get(plan.RUN, ""),
        phase=phase,
        since=since,
        running_since=float(noted) if noted else None,
        reason=reason,
        stuck=phase is Phase.WAITING and any(_cannot_start(pod) for pod in pods),
        hopeless=_hopeless(item, pods) if goes_on else "",
        crippled=goes_on and item["kind"] == "MPIJob" and any(_is_failed_worker(pod) for pod in pods),
        pods=tuple(pods),
    )


def seconds(stamp: str) -> float:
    """A time as Kubernetes writes it, in seconds since 1970."""
    return datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()


@dataclass(frozen=True, slots=True)
class _Outcome:
    phase: Phase
    reason: str
    at: float | None


def _condition(status: Json, kind: str) -> Json | None:
    found = (one for one in status.get("conditions") or () if one["type"] == kind and one["status"] == "True")
    return next(found, None)


def _told(about: Json) -> str:
    """Reason and message of a condition, or of a status, as one sentence."""
    return ": ".join(filter(None, (about.get("reason", ""), about.get("message", ""))))


def _time(stamp: str | None) -> float | None:
    return seconds(stamp) if stamp else None


def _job(status: Json) -> _Outcome | None:
    for kind, phase in (("Complete", Phase.SUCCEEDED), ("Failed", Phase.FAILED)):
        condition = _condition(status, kind)
        if condition:
            return _Outcome(phase, _told(condition) or kind, _time(condition.get("lastTransitionTime")))
    return None


def _ray_job(status: Json) -> _Outcome | None:
    ray, deployed = status.get("jobStatus", ""), status.get("jobDeploymentStatus", "")
    ended = _time(status.get("endTime"))
    if deployed == "Complete":
        if ray == "SUCCEEDED":
            return _Outcome(Phase.SUCCEEDED, "", ended)
        return _Outcome(Phase.FAILED, f"Ray says {ray or 'nothing'} of it. {_told(status)}".strip(), ended)
    if deployed in ("Failed", "ValidationFailed"):
        return _Outcome(Phase.FAILED, _told(status) or deployed, ended)
    return None


def _mpi_job(status: Json) -> _Outcome | None:
    ended = _time(status.get("completionTime"))
    if ended is None:
        return None
    succeeded, failed = _condition(status, "Succeeded"), _condition(status, "Failed")
    if succeeded:
        return _Outcome(Phase.SUCCEEDED, "", ended)
    return _Outcome(Phase.FAILED, _told(failed or {}) or "it ended without saying how", ended)


OUTCOMES: Mapping[str, Callable[[Json], _Outcome | None]] = {"Job": _job, "RayJob": _ray_job, "MPIJob": _mpi_job}
"""How each kind of step says that it has ended; None while it has not."""


HOPELESS = {EXIT_USER_ERROR, EXIT_DISK_FULL}


def _hopeless(item: Json, pods: Sequence[Json]) -> str:
    """How a program's last try ended, if it said that another will not help; empty otherwise."""
    status = item.get("status") or {}
    if item["kind"] == "RayJob" and status.get("jobDeploymentStatus") == "Retrying":
        told = re.search(r"exit code (\d+)", status.get("message") or "")  # in Ray's words
        return _told(status) if told and int(told[1]) in HOPELESS else ""
    if item["kind"] == "MPIJob":
        ends = [end["exitCode"] for pod in pods if not _is_worker(pod) for end in _terminated(pod)]
        return next((f"its program ended with exit status {code}" for code in ends if code in HOPELESS), "")
    return ""


def _is_worker(pod: Json) -> bool:
    return (pod["metadata"].get("labels") or {}).get("training.kubeflow.org/job-role") == "worker"


def _is_failed_worker(pod: Json) -> bool:
    return _is_worker(pod) and (pod.get("status") or {}).get("phase") == "Failed"


def _progress(pods: Sequence[Json], wanted: int, begun: float) -> tuple[Phase, float, str]:
    """Phase, since when, and what is waited for, of an object that has not ended; `begun` is when its pods were due.

    Between a pod that was drained and the next in its place there may be none for a moment, days after the start.
    """
    running = [pod for pod in pods if _runs(pod)]
    ended_well = [pod for pod in pods if (pod.get("status") or {}).get("phase") == "Succeeded"]
    if running and len(running) + len(ended_well) >= wanted:
        return Phase.RUNNING, max(_started(pod) for pod in running), ""
    waiting = [pod for pod in pods if (pod.get("status") or {}).get("phase", "Pending") == "Pending"]
    if not waiting:
        ended = [_pod_end(pod) for pod in pods]
        return Phase.WAITING, max([begun, *ended]), "its pods have not been made yet"
    stuck = [pod for pod in waiting if _cannot_start(pod)]
    since = min(map(_given_a_node, stuck) if stuck else map(_created, waiting))
    reasons = list(dict.fromkeys(filter(None, map(_waits_for, waiting))))
    return Phase.WAITING, since, "; ".join(reasons) or "its pods are starting"


def _containers(pod: Json) -> list[Json]:
    status = pod.get("status") or {}
    return [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]


def _runs(pod: Json) -> bool:
    status = pod.get("status") or {}
    return status.get("phase") == "Running" and not pod["metadata"].get("deletionTimestamp")


def _started(pod: Json) -> float:
    states = ((one.get("state") or {}).get("running") or {} for one in _containers(pod))
    started = [seconds(state["startedAt"]) for state in states if state.get("startedAt")]
    return max(started, default=_created(pod))


def _created(pod: Json) -> float:
    return seconds(pod["metadata"]["creationTimestamp"])


def _given_a_node(pod: Json) -> float:
    """When a pod could begin to pull its images: it may have waited hours for a machine before."""
    scheduled = _condition(pod.get("status") or {}, "PodScheduled")
    return _time((scheduled or {}).get("lastTransitionTime")) or _created(pod)


def _pod_end(pod: Json) -> float:
    return max((seconds(end["finishedAt"]) for end in _terminated(pod) if end.get("finishedAt")), default=0.0)


def _terminated(pod: Json) -> list[Json]:
    """How those of a pod's containers ended that have."""
    return [one["state"]["terminated"] for one in _containers(pod) if (one.get("state") or {}).get("terminated")]


NEVER_STARTS = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "CreateContainerConfigError", "CreateContainerError"}
)
"""Reasons of a container that does not start for want of something: an image, a secret, a right."""


def _stopped_by(pod: Json) -> Json:
    states = ((one.get("state") or {}).get("waiting") or {} for one in _containers(pod))
    return next((state for state in states if state.get("reason") in NEVER_STARTS), {})


def _cannot_start(pod: Json) -> bool:
    return bool(_stopped_by(pod))


def _waits_for(pod: Json) -> str:
    """What a pending pod waits for: a container's own reason, else the scheduler's."""
    container = _stopped_by(pod)
    if container:
        return _told(container)
    conditions = (pod.get("status") or {}).get("conditions") or ()
    unscheduled = (one for one in conditions if one["type"] == "PodScheduled" and one["status"] == "False")
    return next((_told(one) for one in unscheduled), "")
