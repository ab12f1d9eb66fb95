"""What a run says at its end: why, and the last lines of the log that tell."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .decide import End
from .states import seconds

LIMIT = 4096
"""Bytes that Kubernetes keeps of a container's termination message."""

LOG_LINES = 30

Log = Callable[[str, str, int], str]
"""Pod, container and number of lines → the end of the container's log."""


def termination_message(end: End, log: Log) -> str:
    """The reason first, then as many of the last log lines as the message has room for."""
    telling = next(_failed_containers(end), None)
    if telling is None:
        return _both_ends(end.text)
    pod, container, how = telling
    head = _cut(f"{end.text}\n{pod}: {container} {how}", LIMIT // 2)
    lines = log(pod, container, LOG_LINES).rstrip()
    return f"{head}\nits last lines:\n{_tail(lines, LIMIT - len(head.encode()) - 20)}" if lines else head


def _failed_containers(end: End) -> Iterator[tuple[str, str, str]]:
    """Pod, container and how it ended, of those that ended badly: the first to do so tells most."""
    pods = end.culprit.pods if end.culprit and not end.ok else ()
    found = sorted((at, pod, name, how) for one in pods for at, pod, name, how in _ends(one))
    yield from (one[1:] for one in found)


def _ends(pod: Mapping[str, Any]) -> Iterator[tuple[float, str, str, str]]:
    status = pod.get("status") or {}
    for one in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        state = (one.get("state") or {}).get("terminated")
        if state and state.get("exitCode"):
            why = state.get("reason", "")
            how = f"ended with exit status {state['exitCode']}" + (f" ({why})" if why not in ("", "Error") else "")
            yield (
                seconds(state["finishedAt"]) if state.get("finishedAt") else 0.0,
                pod["metadata"]["name"],
                one["name"],
                how,
            )


def _both_ends(text: str) -> str:
    """A text with its middle left out if need be: a RayJob's message ends with the program's last lines."""
    if len(text.encode()) <= LIMIT:
        return text
    return f"{_cut(text, LIMIT // 4)}\n…\n{_tail(text, LIMIT // 4 * 3 - 10)}"


def _cut(text: str, limit: int) -> str:
    return text.encode()[:limit].decode(errors="ignore")


def _tail(text: str, limit: int) -> str:
    return text.encode()[-limit:].decode(errors="ignore")
