"""A run's last words: the reason, and the end of the log that tells."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workloads.programs.run.world import (
    NOON,
    PREPARE,
    Item,
    World,
    stamp,
)
from workloads.programs.run.decide import End
from workloads.programs.run.report import LIMIT, LOG_LINES, termination_message
from workloads.programs.run.states import Phase, Seen


def failed_pod(name: str, after: float | None, status: int = 1, container: str = "step", **more: Any) -> Item:
    ended = {
        "exitCode": status,
        "reason": "Error",
        "finishedAt": None if after is None else stamp(NOON + after),
        **more,
    }
    return {
        "metadata": {"name": name},
        "status": {"containerStatuses": [{"name": container, "state": {"terminated": ended}}]},
    }


def failure(*pods: Item, text: str = "step train: it failed") -> End:
    return End(False, text, Seen("Job", "train-a", "train", "a", "d", "this", Phase.FAILED, NOON, pods=tuple(pods)))


def last_words(name: str) -> Callable[[str, str, int], str]:
    """Logs in which only that pod says something; the number of lines asked for stands in it."""
    return lambda pod, container, lines: f"{container} of {pod}, {lines}\n" if pod == name else ""


def test_the_message_has_the_reason_the_pod_its_exit_status_and_its_last_lines() -> None:
    message = termination_message(failure(failed_pod("train-a-0", 10, status=2)), last_words("train-a-0"))
    assert message == (
        "step train: it failed\ntrain-a-0: step ended with exit status 2\n"
        f"its last lines:\nstep of train-a-0, {LOG_LINES}"
    )


def test_of_several_pods_the_first_to_fail_tells_most() -> None:
    """When one of a group dies the others soon follow, and say only that they lost it."""
    pods = (failed_pod("third", 30), failed_pod("first", 10), failed_pod("second", 20))
    assert "first: step ended" in termination_message(failure(*pods), last_words("first"))


def test_a_pod_that_ended_well_tells_nothing() -> None:
    pods = (failed_pod("well", 5, status=0), failed_pod("badly", 10))
    assert "badly: step ended" in termination_message(failure(*pods), last_words("badly"))


def test_a_reason_that_says_more_than_error_is_told() -> None:
    message = termination_message(failure(failed_pod("p", 10, status=137, reason="OOMKilled")), last_words("p"))
    assert "p: step ended with exit status 137 (OOMKilled)" in message


def test_an_init_container_tells_like_any_other() -> None:
    pod = failed_pod("p", 10, container="fetch")
    pod["status"]["initContainerStatuses"] = pod["status"].pop("containerStatuses")
    assert "p: fetch ended with exit status 1" in termination_message(failure(pod), last_words("p"))


def test_a_pod_lost_with_its_node_has_no_end_time_and_breaks_nothing() -> None:
    lost = failed_pod("lost", None, status=137, reason="ContainerStatusUnknown")
    message = termination_message(failure(lost), last_words("another"))
    assert message.endswith("lost: step ended with exit status 137 (ContainerStatusUnknown)")


def test_without_pods_that_failed_the_reason_stands_alone() -> None:
    running = {"metadata": {"name": "p"}, "status": {"containerStatuses": [{"name": "step", "state": {"running": {}}}]}}
    for pods in ((), (running,), ({"metadata": {"name": "p"}},)):
        assert termination_message(failure(*pods), last_words("p")) == "step train: it failed"
    well = replace(failure(failed_pod("p", 10)), ok=True, text="r: all 4 steps are done")
    assert termination_message(well, last_words("p")) == "r: all 4 steps are done"


LONG_TEXTS = st.builds(lambda one, times: one * times, st.text(max_size=9), st.integers(0, 2000))
"""Also such as are longer than a message may be, with characters of several bytes at every place."""


@given(text=LONG_TEXTS, log=LONG_TEXTS)
@settings(max_examples=60, deadline=None)
def test_a_message_fits_begins_with_the_reason_and_ends_with_the_last_of_the_log(text: str, log: str) -> None:
    message = termination_message(failure(failed_pod("p", 10), text=text), lambda *_: log)
    assert len(message.encode()) <= LIMIT
    assert message.startswith(text[:500])
    assert message.endswith(log.rstrip()[-400:] or message[-1])
    assert len(termination_message(End(False, text), lambda *_: log).encode()) <= LIMIT


def test_a_run_tells_the_last_lines_that_the_api_server_has(world: World) -> None:
    run = world.run()
    run.turn()
    (pod,) = world.pods_run("prepare")
    world.cluster.logs[f"{pod['metadata']['name']}/step"] = "".join(f"line {number}\n" for number in range(100))
    world.ends(PREPARE, well=False)
    end = run.turn()
    assert end
    lines = run.message(end).splitlines()
    assert lines[0] == "step prepare: BackoffLimitExceeded: it failed"
    assert lines[-LOG_LINES:] == [f"line {number}" for number in range(100 - LOG_LINES, 100)]


def test_a_long_reason_keeps_its_beginning_and_its_end() -> None:
    """Ray's message ends with the program's last lines."""
    text = f"step train: AppFailed\n{'x' * 20_000}\nerror: the corpus is empty"
    message = termination_message(End(False, text), last_words("x"))
    assert message.startswith("step train: AppFailed\n")
    assert message.endswith("error: the corpus is empty")
    assert len(message.encode()) <= LIMIT
