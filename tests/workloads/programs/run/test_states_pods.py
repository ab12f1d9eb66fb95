"""From a step's pods: whether it runs or waits, in the cluster's own words, and what is tried again in vain."""

from typing import Any

import pytest

from tests.workloads.programs.run.objects import (
    NOON,
    condition,
    ended,
    item,
    leaving,
    pod,
    read,
    running,
    stamp,
    unscheduled,
    waiting,
)
from workloads.programs.run.states import Phase, seen

# --- pods


def test_it_runs_once_all_its_pods_do_since_the_last_of_them_started() -> None:
    one = seen(item("Job", {}, pods=2), [running(20), running(50)])
    assert (one.phase, one.since, one.reason) == (Phase.RUNNING, NOON + 50, "")


def test_fewer_pods_than_wanted_is_waiting() -> None:
    one = seen(item("Job", {}, pods=3), [running(), running(), unscheduled("no node")])
    assert (one.phase, one.reason) == (Phase.WAITING, "Unschedulable: no node")
    assert seen(item("Job", {}, pods=3), [running(), running()]).phase is Phase.WAITING


def test_a_pod_that_ended_well_is_not_missed() -> None:
    one = seen(item("Job", {}, pods=2), [running(), ended("Succeeded", 60)])
    assert one.phase is Phase.RUNNING


def test_a_pod_that_failed_is_missed_until_another_runs_in_its_place() -> None:
    failed = ended("Failed", 60, status=1)
    one = seen(item("Job", {}, pods=2), [running(), failed])
    assert (one.phase, one.since) == (Phase.WAITING, NOON + 60)
    one = seen(item("Job", {}, pods=2), [running(), failed, unscheduled("no node", after=65)])
    assert (one.phase, one.since, one.reason) == (Phase.WAITING, NOON + 65, "Unschedulable: no node")
    one = seen(item("Job", {}, pods=2), [running(), failed, running(80)])
    assert (one.phase, one.since) == (Phase.RUNNING, NOON + 80)


def test_a_pod_that_is_being_deleted_runs_no_more() -> None:
    one = seen(item("Job", {}, pods=2), [running(), leaving(running(), 100), pod(after=90)])
    assert (one.phase, one.since) == (Phase.WAITING, NOON + 90)


def test_it_waits_since_its_first_pending_pod_was_made() -> None:
    one = seen(item("Job", {}, pods=2), [pod(after=40), pod(after=30)])
    assert (one.phase, one.since) == (Phase.WAITING, NOON + 30)


def test_the_schedulers_reason_is_said_once_however_many_pods_it_is_given_for() -> None:
    words = "0/3 nodes are available: 3 Insufficient aws.amazon.com/neuron."
    one = seen(item("Job", {}, pods=3), [unscheduled(words), unscheduled(words), unscheduled("another")])
    assert one.reason == f"Unschedulable: {words}; Unschedulable: another"
    assert not one.stuck


def test_a_pod_that_has_a_node_and_nothing_against_it_is_starting() -> None:
    one = seen(item("Job", {}), [waiting("ContainerCreating", conditions=[condition("PodScheduled")])])
    assert (one.phase, one.stuck) == (Phase.WAITING, False)
    assert "starting" in one.reason


@pytest.mark.parametrize(
    "reason",
    ["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "CreateContainerConfigError", "CreateContainerError"],
)
def test_a_container_that_lacks_its_image_or_a_secret_is_stuck_and_says_of_what(reason: str) -> None:
    one = seen(item("Job", {}), [waiting(reason, "no such thing")])
    assert (one.phase, one.stuck, one.reason) == (Phase.WAITING, True, f"{reason}: no such thing")


def test_an_init_container_gets_stuck_like_any_other() -> None:
    state = {"waiting": {"reason": "ErrImagePull", "message": "not found"}}
    one = seen(item("Job", {}), [pod(initContainerStatuses=[{"name": "init", "state": state}])])
    assert (one.stuck, one.reason) == (True, "ErrImagePull: not found")


def test_one_stuck_pod_among_running_ones_is_seen() -> None:
    one = seen(item("Job", {}, pods=2), [running(), waiting("ErrImagePull")])
    assert (one.phase, one.stuck) == (Phase.WAITING, True)


def test_what_waits_for_a_machine_is_not_stuck_in_that_time() -> None:
    """A pod that got its node after hours and cannot pull its image at once has waited for its image a moment only."""
    scheduled = [condition("PodScheduled", after=7200)]
    one = seen(item("Job", {}), [waiting("ErrImagePull", "too many requests", conditions=scheduled)])
    assert (one.stuck, one.since) == (True, NOON + 7200)


def test_an_object_that_has_ended_is_not_stuck() -> None:
    assert not seen(item("Job", {"conditions": [condition("Failed")]}), [waiting("ErrImagePull")]).stuck


def test_a_pod_without_a_status_is_pending() -> None:
    bare = {"metadata": {"name": "pod", "creationTimestamp": stamp(10)}}
    one = seen(item("Job", {}), [bare])
    assert (one.phase, one.since) == (Phase.WAITING, NOON + 10)


GONE = [[], [leaving(running(), 36_000)], [ended("Failed", 30_000)]]


@pytest.mark.parametrize("pods", GONE)
@pytest.mark.parametrize("kind", ["Job", "RayJob", "MPIJob"])
def test_an_object_that_ran_and_has_no_pod_waiting_does_not_wait_since_it_was_made(
    kind: str, pods: list[dict[str, Any]]
) -> None:
    """A node was drained after ten hours, and its pod's successor is not there yet: no ten hours' wait for capacity."""
    one = seen(item(kind, {}, ran=NOON + 60), pods)
    assert one.phase is Phase.WAITING
    assert one.since > NOON + 20_000


# what is tried again in vain

USER_ERROR = (
    "Job entrypoint command failed with exit code 2, last available logs (truncated to 20,000 chars):\nerror: x"
)


def worker(one: dict[str, Any], role: str = "worker") -> dict[str, Any]:
    return {**one, "metadata": {**one["metadata"], "labels": {"training.kubeflow.org/job-role": role}}}


@pytest.mark.parametrize(("code", "hopeless"), [(1, False), (2, True), (3, True), (20, False), (137, False)])
def test_a_ray_job_that_is_tried_again_after_a_mistake_is_hopeless(code: int, hopeless: bool) -> None:
    status = {"jobDeploymentStatus": "Retrying", "message": USER_ERROR.replace("2,", f"{code},", 1)}
    one = read("RayJob", {**status, "reason": "AppFailed"})
    assert one.phase is Phase.WAITING
    assert bool(one.hopeless) is hopeless


def test_a_ray_job_that_runs_is_not_hopeless_whatever_its_message() -> None:
    assert read("RayJob", {"jobDeploymentStatus": "Running", "message": USER_ERROR}).hopeless == ""


@pytest.mark.parametrize(("code", "hopeless"), [(1, False), (2, True), (3, True), (255, False)])
def test_an_mpi_job_whose_launcher_ended_with_a_mistake_is_hopeless(code: int, hopeless: bool) -> None:
    pods = [worker(running()), worker(ended("Failed", 60, code), "launcher"), worker(pod(), "launcher")]
    assert bool(seen(item("MPIJob", {}, pods=2), pods).hopeless) is hopeless


def test_a_job_tells_mistakes_by_itself() -> None:
    assert seen(item("Job", {}), [ended("Failed", 60, 2)]).hopeless == ""


def test_an_mpi_job_that_has_ended_is_not_hopeless() -> None:
    one = seen(item("MPIJob", {"completionTime": stamp(400)}), [worker(ended("Failed", 60, 2), "launcher")])
    assert (one.phase, one.hopeless) == (Phase.FAILED, "")


def test_an_mpi_job_is_crippled_by_a_failed_worker_which_nobody_makes_anew() -> None:
    pods = [worker(running()), worker(ended("Failed", 60, 137)), worker(running(), "launcher")]
    assert seen(item("MPIJob", {}, pods=3, ran=NOON), pods).crippled
    assert not seen(item("MPIJob", {"completionTime": stamp(70)}, pods=3), pods).crippled
    assert not seen(item("RayJob", {}, pods=3), pods).crippled


def test_a_launcher_that_is_tried_again_does_not_cripple_an_mpi_job() -> None:
    pods = [worker(running()), worker(ended("Failed", 60, 1), "launcher"), worker(running(80), "launcher")]
    assert not seen(item("MPIJob", {}, pods=2), pods).crippled
