"""When pulumi-kubernetes takes an object for ready, when for failed, and what it says of the others.

From its sources: provider/pkg/await/{await,awaiters,job,deployment}.go and provider/pkg/await/checker/.
"""

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .cluster import Cluster, UnreachableError
from .provider import ProviderError
from .rules import Manifest, object_id

Live = dict[str, Any]

POLL = 0.2

_FAILED_AT_ONCE = ("BackoffLimitExceeded", "DeadlineExceeded")
"""A Job that failed for another reason, such as PodFailurePolicy, is waited for until the time is over."""


class UnreadyError(Exception):
    """A wait's end without success: the object as it was last seen, and what is known of the reasons."""

    def __init__(self, cluster: Cluster, live: Live, message: str, *known: str):
        super().__init__(message)
        self.live = live
        self.reasons = [*known, *_of_conditions(live), *_of_pods(cluster, live)]


def settle(cluster: Cluster, live: Live, timeout: float, halted: Callable[[float], bool]) -> Live:
    """Waits until the object is ready; UnreadyError where it fails, or the time is over, or the engine wants no more.

    `halted` sleeps for the seconds that it is given, or until the engine cancels, and says whether it has.
    """
    name = live["metadata"]["name"]
    ends = time.monotonic() + timeout
    while not _is_ready(cluster, live):
        if halted(POLL):
            raise UnreadyError(cluster, live, f"Resource operation was cancelled for {json.dumps(name)}")
        if time.monotonic() > ends:
            raise UnreadyError(cluster, live, f"'{name}' timed out waiting to be Ready")
        with contextlib.suppress(ProviderError):
            live = cluster.get(live) or live
    return live


def until_gone(cluster: Cluster, live: Live, timeout: float, halted: Callable[[float], bool]) -> None:
    """Waits until the object is deleted, whoever makes one of its name; ProviderError else."""
    name, uid = object_id(live), live["metadata"]["uid"]
    ends = time.monotonic() + timeout
    while True:
        with contextlib.suppress(UnreachableError):
            found = cluster.get(live)
            if found is None or found["metadata"]["uid"] != uid:
                return
            live = found
        if halted(POLL):
            raise ProviderError(f"Resource operation was cancelled for {json.dumps(name)}")
        if time.monotonic() > ends:
            finalizers = ", ".join(live["metadata"].get("finalizers", []))
            raise ProviderError(f"timed out waiting for {json.dumps(name)} to be deleted (finalizers: {finalizers})")


def look(cluster: Cluster, live: Live) -> None:
    """What a refresh does instead of a wait, for some kinds: UnreadyError where the object isn't ready now."""
    if _kind(live) in _LOOKED_AT and not _is_ready(cluster, live):
        raise UnreadyError(cluster, live, _uninitialized(live))


def is_complete(job: Live) -> bool:
    """Neither running nor failed in any way."""
    return "startTime" in job.get("status", {}) and _conditions(job).get("Complete", {}).get("status") == "True"


def _is_ready(cluster: Cluster, live: Live) -> bool:
    ready = _READY.get(_kind(live))
    return ready is None or ready(cluster, live)


def _job(cluster: Cluster, live: Live) -> bool:
    failed = _conditions(live).get("Failed", {})
    if failed.get("status") == "True" and failed.get("reason") in _FAILED_AT_ONCE:
        reason = f"[{failed['reason']}] {failed.get('message', '')}"
        raise UnreadyError(cluster, live, _uninitialized(live), reason)
    return is_complete(live)


def _deployment(_: Cluster, live: Live) -> bool:
    status = live.get("status", {})
    return (
        status.get("observedGeneration") == live["metadata"]["generation"]
        and _conditions(live).get("Available", {}).get("status") == "True"
        and status.get("updatedReplicas", 0) >= live["spec"]["replicas"]
    )


def _claim(cluster: Cluster, live: Live) -> bool:
    phase = live.get("status", {}).get("phase")
    if phase != "Pending":
        return phase == "Bound"
    named = {"name": live["spec"].get("storageClassName")}
    storage_class = None
    if named["name"]:
        with contextlib.suppress(ProviderError):
            storage_class = cluster.get({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": named})
    return bool(storage_class) and storage_class.get("volumeBindingMode") == "WaitForFirstConsumer"


_JOB = ("batch/v1", "Job")
_DEPLOYMENT = ("apps/v1", "Deployment")

_READY: Mapping[tuple[str, str], Callable[[Cluster, Live], bool]] = {
    _JOB: _job,
    _DEPLOYMENT: _deployment,
    ("v1", "PersistentVolumeClaim"): _claim,
}

_LOOKED_AT = (_JOB, _DEPLOYMENT)


def _of_conditions(live: Live) -> list[str]:
    bad = [one for one in _conditions(live).values() if _kind(live) == _DEPLOYMENT and one["status"] == "False"]
    return [f"[{one.get('reason')}] {one.get('message')}" for one in bad]


def _of_pods(cluster: Cluster, live: Live) -> list[str]:
    """What keeps the pods of a Job or Deployment from being well, in the last words of their containers."""
    if _kind(live) not in (_JOB, _DEPLOYMENT):
        return []
    labels = live["spec"].get("selector", {}).get("matchLabels", {})
    with contextlib.suppress(ProviderError):
        pods = cluster.select("v1", "Pod", live["metadata"]["namespace"], labels) if labels else []
        told = ((pod["metadata"], ", ".join(_of_pod(pod))) for pod in pods)
        return [f"[Pod {metadata['namespace']}/{metadata['name']}]: {said}" for metadata, said in told if said]
    return []


def _of_pod(pod: Live) -> Iterator[str]:
    if pod.get("status", {}).get("phase") == "Succeeded":
        return
    conditions = _conditions(pod)
    for name in ("PodScheduled", "Ready"):
        if conditions.get(name, {}).get("status") == "False" and conditions[name].get("message"):
            yield conditions[name]["message"]
    for container in pod.get("status", {}).get("containerStatuses", []):
        yield from _of_container(container)


def _of_container(container: Manifest) -> Iterator[str]:
    waiting = container["state"].get("waiting", {})
    if waiting and waiting.get("reason") != "ContainerCreating":
        yield f"[{waiting.get('reason')}] {waiting.get('message', '')}"
    for state in (container["state"], container.get("lastState", {})):
        ended = state.get("terminated")
        if ended:
            words = f": [{ended.get('reason')}] {ended['message']}" if ended.get("message") else ""
            yield f'container "{container["name"]}" completed with exit code {ended["exitCode"]}{words}'


def _uninitialized(live: Live) -> str:
    return f"Resource '{live['metadata']['name']}' was created but failed to initialize"


def _kind(live: Live) -> tuple[str, str]:
    return live["apiVersion"], live["kind"]


def _conditions(live: Live) -> Mapping[str, Manifest]:
    return {one["type"]: one for one in live.get("status", {}).get("conditions", [])}
