"""What looks like an end of a step's object is told from one."""

from typing import Any

import pytest

from tests.workloads.programs.run.objects import NOON, condition, item, leaving, pod, read, running, stamp
from workloads.programs.run.states import ACTIVE, ENDED, Phase, seconds, seen

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
