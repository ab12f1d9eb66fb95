"""What looks like an end is told from one, and what is waited for is said in the cluster's own words."""

from datetime import UTC, datetime
from typing import Any

import pytest

from workloads.programs.run import plan
from workloads.programs.run.states import ACTIVE, ENDED, Phase, Seen, seconds, seen

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


# --- Job


def test_a_job_has_succeeded_when_it_is_complete_and_since_then() -> None:
    one = read("Job", {"conditions": [condition("SuccessCriteriaMet", after=80), condition("Complete", after=90)]})
    assert (one.phase, one.since) == (Phase.SUCCEEDED, NOON + 90)


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        ("BackoffLimitExceeded", "Job has reached the specified backoff limit"),
        ("DeadlineExceeded", "Job was active longer than specified deadline"),
        ("PodFailurePolicy", "Container step for pod default/train-abc-x failed with exit code 2"),
        ("FailedIndexes", "Job has failed indexes"),
        ("MaxFailedIndexesExceeded", "Job has exceeded the maximum of failed indexes"),
    ],
)
def test_a_failed_job_says_why_in_the_clusters_words(reason: str, message: str) -> None:
    one = read("Job", {"conditions": [condition("Failed", reason=reason, message=message)], "failed": 4})
    assert (one.phase, one.reason, one.since) == (Phase.FAILED, f"{reason}: {message}", NOON + 90)


@pytest.mark.parametrize("kind", ["FailureTarget", "SuccessCriteriaMet"])
def test_a_job_whose_pods_are_still_leaving_has_not_ended(kind: str) -> None:
    status = {"conditions": [condition(kind, reason="PodFailurePolicy", message="exit code 2")], "active": 1}
    assert read("Job", status).phase not in ENDED
    assert seen(item("Job", status), [running()]).phase is Phase.RUNNING


@pytest.mark.parametrize("kind", ["Complete", "Failed"])
def test_a_condition_that_is_not_true_is_none(kind: str) -> None:
    assert read("Job", {"conditions": [condition(kind, "False")]}).phase in ACTIVE


@pytest.mark.parametrize(
    "status", [None, {}, {"conditions": None}, {"conditions": [condition("Suspended", reason="JobSuspended")]}]
)
def test_a_job_that_has_no_pods_yet_or_is_suspended_waits_since_it_was_made(status: dict[str, Any] | None) -> None:
    one = read("Job", status)
    assert (one.phase, one.since) == (Phase.WAITING, NOON)
    assert one.reason


def test_a_job_resumed_after_a_suspension_runs() -> None:
    status = {"conditions": [condition("Suspended", "False", reason="JobResumed")], "active": 1}
    assert seen(item("Job", status), [running()]).phase is Phase.RUNNING


# --- RayJob

APP_FAILED = {"reason": "AppFailed", "message": "Job entrypoint command failed with exit code 1"}


@pytest.mark.parametrize("deployed", ["", "Initializing", "Running", "Waiting", "Retrying", "Suspending", "Suspended"])
@pytest.mark.parametrize("ray", ["", "PENDING", "RUNNING", "STOPPED", "SUCCEEDED", "FAILED"])
def test_a_ray_job_has_not_ended_before_the_operator_says_so(ray: str, deployed: str) -> None:
    assert read("RayJob", {"jobStatus": ray, "jobDeploymentStatus": deployed}).phase in ACTIVE


def test_a_ray_job_succeeds_when_both_ray_and_the_operator_say_so() -> None:
    status = {"jobStatus": "SUCCEEDED", "jobDeploymentStatus": "Complete", "endTime": stamp(300), "succeeded": 1}
    one = read("RayJob", status)
    assert (one.phase, one.since) == (Phase.SUCCEEDED, NOON + 300)


@pytest.mark.parametrize("ray", ["STOPPED", "FAILED", "RUNNING", "PENDING", ""])
def test_a_ray_job_that_is_complete_without_success_has_failed(ray: str) -> None:
    one = read("RayJob", {"jobStatus": ray, "jobDeploymentStatus": "Complete", "endTime": stamp(300)})
    assert (one.phase, one.since) == (Phase.FAILED, NOON + 300)
    assert f"Ray says {ray or 'nothing'}" in one.reason


@pytest.mark.parametrize(
    ("ray", "reason"),
    [
        ("FAILED", "AppFailed"),
        ("", "PreRunningDeadlineExceeded"),
        ("", "SubmissionFailed"),
        ("PENDING", "SubmissionFailed"),
        ("RUNNING", "DeadlineExceeded"),
        ("RUNNING", "JobStatusCheckTimeoutExceeded"),
        ("STOPPED", "JobDeploymentStatusTransitionGracePeriodExceeded"),
        ("SUCCEEDED", "JobDeploymentStatusTransitionGracePeriodExceeded"),
    ],
)
def test_a_ray_job_that_the_operator_gives_up_has_failed_whatever_ray_said_last(ray: str, reason: str) -> None:
    told = {"reason": reason, "message": "in its words"}
    one = read("RayJob", {"jobStatus": ray, "jobDeploymentStatus": "Failed", "endTime": stamp(300), **told})
    assert (one.phase, one.reason, one.since) == (Phase.FAILED, f"{reason}: in its words", NOON + 300)


def test_a_ray_job_that_is_not_valid_has_failed_though_it_has_no_end_time() -> None:
    told = {"reason": "ValidationFailed", "message": "the RayJob spec is invalid"}
    one = read("RayJob", {"jobDeploymentStatus": "ValidationFailed", **told})
    assert (one.phase, one.reason) == (Phase.FAILED, "ValidationFailed: the RayJob spec is invalid")


def test_a_ray_job_that_is_tried_again_waits_though_its_last_try_failed() -> None:
    one = seen(item("RayJob", {"jobStatus": "FAILED", "jobDeploymentStatus": "Retrying", **APP_FAILED}), [pod()])
    assert (one.phase, one.since) == (Phase.WAITING, NOON + 10)


# --- MPIJob


def test_an_mpi_job_has_succeeded_once_it_has_ended_and_says_so() -> None:
    conditions = [condition("Created"), condition("Running", "False"), condition("Succeeded", reason="MPIJobSucceeded")]
    one = read("MPIJob", {"conditions": conditions, "completionTime": stamp(400)})
    assert (one.phase, one.since) == (Phase.SUCCEEDED, NOON + 400)


@pytest.mark.parametrize("reason", ["BackoffLimitExceeded/Error", "DeadlineExceeded", "MPIJobFailed"])
def test_an_mpi_job_that_has_ended_as_failed_says_why(reason: str) -> None:
    conditions = [condition("Running", "False"), condition("Failed", reason=reason, message="launcher failed")]
    one = read("MPIJob", {"conditions": conditions, "completionTime": stamp(400)})
    assert (one.phase, one.reason, one.since) == (Phase.FAILED, f"{reason}: launcher failed", NOON + 400)


EVICTED = condition("Failed", reason="MPIJobEvicted", message="1/2 workers are evicted")


def test_an_mpi_job_with_an_evicted_worker_has_not_ended() -> None:
    status = {"conditions": [condition("Created"), EVICTED]}
    assert read("MPIJob", status).phase is Phase.WAITING
    assert seen(item("MPIJob", status, pods=2), [running(), running()]).phase is Phase.RUNNING


def test_an_mpi_job_can_still_succeed_after_an_eviction() -> None:
    conditions = [{**EVICTED, "status": "False"}, condition("Succeeded", reason="MPIJobSucceeded")]
    assert read("MPIJob", {"conditions": conditions, "completionTime": stamp(400)}).phase is Phase.SUCCEEDED


@pytest.mark.parametrize("kind", ["Created", "Running", "Restarting", "Suspended", "Succeeded", "Failed"])
def test_no_condition_of_an_mpi_job_is_an_end_without_a_completion_time(kind: str) -> None:
    assert read("MPIJob", {"conditions": [condition(kind)]}).phase in ACTIVE


# --- all kinds


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("Job", {"conditions": [condition("Failed")]}),
        ("RayJob", {"jobDeploymentStatus": "Failed"}),
        ("RayJob", {"jobDeploymentStatus": "ValidationFailed"}),
        ("MPIJob", {"completionTime": stamp(400)}),
        ("MPIJob", {"completionTime": stamp(400), "conditions": [condition("Failed")]}),
    ],
)
def test_a_failure_that_nobody_gave_words_has_some_all_the_same(kind: str, status: dict[str, Any]) -> None:
    one = read(kind, status)
    assert one.phase is Phase.FAILED
    assert one.reason


@pytest.mark.parametrize("kind", ["Job", "RayJob", "MPIJob"])
def test_an_object_that_is_being_deleted_is_leaving_whatever_else_it_says(kind: str) -> None:
    status = {
        "conditions": [condition("Complete"), condition("Succeeded"), condition("Failed")],
        "completionTime": stamp(90),
        "jobStatus": "SUCCEEDED",
        "jobDeploymentStatus": "Complete",
    }
    for now in (None, status):
        one = seen(leaving(item(kind, now), 120), [running()])
        assert (one.phase, one.since) == (Phase.LEAVING, NOON + 120)


def test_whose_it_is_stands_at_the_object() -> None:
    one = seen(item("Job", None, ran=NOON + 20.5), [])
    assert (one.kind, one.name, one.step, one.hash, one.digest) == ("Job", "train-abc", "train", "abc", "d1")
    assert (one.run, one.running_since) == ("first", NOON + 20.5)


def test_an_object_that_somebody_else_made_is_read_too() -> None:
    one = seen({"kind": "Job", "metadata": {"name": "other", "creationTimestamp": stamp(0)}}, [])
    assert (one.step, one.hash, one.digest, one.run, one.running_since) == ("", "", "", "", None)


def test_times_are_read_with_and_without_a_fraction() -> None:
    assert seconds("2026-11-21T12:00:00Z") == NOON
    assert seconds("2026-11-21T12:00:00.250000Z") == NOON + 0.25


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
