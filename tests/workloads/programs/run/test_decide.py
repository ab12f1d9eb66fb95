"""What is next follows from what is there alone: old things go first, and a failure of this run ends it."""

from dataclasses import replace
from typing import Any

import pytest

from workloads.programs.run.decide import MARKER_GRACE_SECONDS, STUCK_SECONDS, Decision, View, decide
from workloads.programs.run.plan import Plan, StepPlan
from workloads.programs.run.states import ACTIVE, ENDED, Phase, Seen

NOW = 1_800_000_000.0
HOUR = 3600.0
PROBLEM = "holds no _SUCCESS: the step that writes it has not ended"

PREPARE = StepPlan("prepare", "aaa", "step-prepare-aaa", "d-prepare", "runs/r/prepare-aaa", (), 1 * HOUR)
TRAIN = StepPlan("train", "bbb", "step-train-bbb", "d-train", "runs/r/train-bbb", ("prepare",), 24 * HOUR)
BASELINE = StepPlan("baseline", "ccc", "step-baseline-ccc", "d-baseline", "runs/r/baseline-ccc", ("prepare",), 2 * HOUR)
REPORT = StepPlan("report", "ddd", "step-report-ddd", "d-report", "runs/r/report-ddd", ("train", "baseline"), 1 * HOUR)

STEPS = (PREPARE, TRAIN, BASELINE, REPORT)


def made_plan(*steps: StepPlan) -> Plan:
    chosen = steps or STEPS
    needed = {name for step in chosen for name in step.needs}
    folders = {step.name: step.folder for step in STEPS if step.name in needed}
    return Plan("r", chosen, folders, capacity_seconds=6 * HOUR)


def there(step: StepPlan, phase: Phase, ago: float = 10, **changes: Any) -> Seen:
    """The object of `step`, made by this run and in `phase` for `ago` seconds."""
    one = Seen("Job", step.title, step.name, step.hash, step.digest, "this", phase, NOW - ago)
    reason = {"reason": "BackoffLimitExceeded: it failed"} if phase is Phase.FAILED else {}
    return replace(one, **{**reason, **changes})


def look(plan: Plan, *objects: Seen, done: tuple[StepPlan, ...] = ()) -> Decision:
    names = {step.name for step in done}
    problems = {name: None if name in names else PROBLEM for name in {*plan.folders, *plan.names}}
    return decide(plan, View(objects, problems, "this", NOW))


# --- one step after another


def test_the_first_step_is_the_one_that_needs_nothing() -> None:
    assert look(made_plan()) == Decision(
        create=(PREPARE,), status="prepare to come, train to come, baseline to come, report to come"
    )


def test_a_step_waits_for_those_that_it_needs() -> None:
    for phase in ACTIVE:
        decision = look(made_plan(), there(PREPARE, phase))
        assert (decision.create, decision.stop, decision.end) == ((), (), None)
    assert look(made_plan(), there(TRAIN, Phase.RUNNING), done=(PREPARE, BASELINE)).create == ()


def test_a_step_that_has_ended_well_is_not_done_before_its_folder_is() -> None:
    decision = look(made_plan(), there(PREPARE, Phase.SUCCEEDED))
    assert (decision.create, decision.stop, decision.end) == ((), (), None)


def test_steps_that_need_the_same_run_side_by_side() -> None:
    assert look(made_plan(), done=(PREPARE,)).create == (TRAIN, BASELINE)
    assert look(made_plan(), there(TRAIN, Phase.RUNNING, running_since=NOW), done=(PREPARE,)).create == (BASELINE,)


def test_a_step_starts_when_what_it_needs_is_done_though_that_one_has_not_ended_yet() -> None:
    prepare = there(PREPARE, Phase.RUNNING, running_since=NOW - 60)
    assert look(made_plan(), prepare, done=(PREPARE,)).create == (TRAIN, BASELINE)


def test_done_steps_are_passed_over() -> None:
    assert look(made_plan(), done=(PREPARE, TRAIN, BASELINE)).create == (REPORT,)
    assert look(made_plan(), done=(TRAIN,)).create == (PREPARE,)


@pytest.mark.parametrize("phase", Phase)
def test_a_step_that_is_done_is_never_made_again_whatever_its_object_says(phase: Phase) -> None:
    for run in ("this", "earlier"):
        decision = look(made_plan(), there(PREPARE, phase, ago=30 * HOUR, run=run), done=(PREPARE,))
        assert decision.create == (TRAIN, BASELINE)
        assert (decision.stop, decision.end) == ((), None)


@pytest.mark.parametrize("phase", Phase)
def test_no_second_object_is_made_while_one_is_there(phase: Phase) -> None:
    for run in ("this", "earlier"):
        assert look(made_plan(), there(PREPARE, phase, run=run)).create == ()


def test_the_moment_at_which_all_pods_run_is_noted_once() -> None:
    running = there(PREPARE, Phase.RUNNING)
    assert look(made_plan(), running).note == (running,)
    assert look(made_plan(), replace(running, running_since=NOW - 5)).note == ()
    assert look(made_plan(), there(PREPARE, Phase.WAITING)).note == ()


def test_the_status_says_how_each_step_stands() -> None:
    waiting = there(TRAIN, Phase.WAITING, reason="Unschedulable: no node")
    running = there(BASELINE, Phase.RUNNING)
    status = look(made_plan(), waiting, running, done=(PREPARE,)).status
    assert status == "prepare done, train waiting (Unschedulable: no node), baseline running, report to come"


# --- what this run does not ask for


def strays() -> dict[str, Seen]:
    return {
        "of another hash": there(replace(TRAIN, hash="old"), Phase.RUNNING),
        "of a step that this run leaves out": there(replace(TRAIN, name="merge"), Phase.WAITING),
        "made from another manifest": there(replace(TRAIN, digest="other"), Phase.RUNNING),
        "of which nobody knows what it was made from": there(replace(TRAIN, digest=""), Phase.RUNNING),
        "that has ended": there(replace(TRAIN, hash="old"), Phase.FAILED),
        "that has ended well": there(replace(TRAIN, hash="old"), Phase.SUCCEEDED),
    }


@pytest.mark.parametrize("which", strays())
@pytest.mark.parametrize("done", [(), (PREPARE,), STEPS])
def test_an_object_goes_before_anything_is_made_or_ended(which: str, done: tuple[StepPlan, ...]) -> None:
    stray = strays()[which]
    decision = look(made_plan(), stray, done=done)
    assert (decision.stop, decision.create, decision.end) == ((stray,), (), None)
    assert stray.name in decision.status


def test_a_stray_that_is_leaving_is_waited_for_and_not_stopped_again() -> None:
    leaving = there(replace(TRAIN, hash="old"), Phase.LEAVING)
    other = there(replace(BASELINE, hash="old"), Phase.RUNNING)
    assert look(made_plan(), leaving, other, done=(PREPARE,)).stop == (other,)
    decision = look(made_plan(), leaving, done=(PREPARE,))
    assert (decision.stop, decision.create, decision.end) == ((), (), None)
    assert leaving.name in decision.status
    assert look(made_plan(), done=(PREPARE,)).create == (TRAIN, BASELINE)


def test_what_this_run_asks_for_goes_on_while_strays_leave() -> None:
    stray = there(replace(TRAIN, hash="old"), Phase.RUNNING)
    assert look(made_plan(), stray, there(BASELINE, Phase.RUNNING), done=(PREPARE,)).stop == (stray,)


def test_a_step_that_an_earlier_run_started_is_taken_over() -> None:
    decision = look(made_plan(), there(PREPARE, Phase.RUNNING, run="earlier", running_since=NOW - 60))
    assert (decision.stop, decision.create, decision.end) == ((), (), None)


# --- failures


def test_a_failure_of_this_run_ends_it_with_the_reason_and_stops_what_else_runs() -> None:
    failed = there(TRAIN, Phase.FAILED)
    beside = there(BASELINE, Phase.RUNNING)
    decision = look(made_plan(), failed, beside, done=(PREPARE,))
    assert decision.end
    assert not decision.end.ok
    assert decision.end.text == "step train: BackoffLimitExceeded: it failed"
    assert decision.end.culprit == failed
    assert (decision.stop, decision.create) == ((beside,), ())


def test_the_pods_of_what_failed_stay_for_people_to_look_at() -> None:
    failed = there(TRAIN, Phase.FAILED)
    assert failed not in look(made_plan(), failed, done=(PREPARE,)).stop


def test_an_end_stops_the_last_pods_of_done_steps_too_and_nothing_twice() -> None:
    prepare, leaving = there(PREPARE, Phase.RUNNING), there(BASELINE, Phase.LEAVING)
    assert look(made_plan(), prepare, leaving, there(TRAIN, Phase.FAILED), done=(PREPARE,)).stop == (prepare,)


def test_a_failure_of_an_earlier_run_is_deleted_and_then_tried_again() -> None:
    failed = there(TRAIN, Phase.FAILED, run="earlier")
    decision = look(made_plan(), failed, done=(PREPARE, BASELINE))
    assert (decision.stop, decision.create, decision.end) == ((failed,), (), None)
    leaving = replace(failed, phase=Phase.LEAVING)
    decision = look(made_plan(), leaving, done=(PREPARE, BASELINE))
    assert (decision.stop, decision.create, decision.end) == ((), (), None)
    assert look(made_plan(), done=(PREPARE, BASELINE)).create == (TRAIN,)


def test_what_can_go_on_does_while_an_earlier_failure_is_deleted() -> None:
    decision = look(made_plan(), there(TRAIN, Phase.FAILED, run="earlier"), done=(PREPARE,))
    assert decision.create == (BASELINE,)


def test_a_failed_object_of_a_step_that_is_done_is_no_failure() -> None:
    failed = there(TRAIN, Phase.FAILED)
    assert look(made_plan(), failed, done=(PREPARE, TRAIN)).end is None
    end = look(made_plan(), failed, done=STEPS).end
    assert end
    assert end.ok


def test_the_first_of_two_failures_in_the_order_of_the_steps_is_told() -> None:
    end = look(made_plan(), there(BASELINE, Phase.FAILED), there(TRAIN, Phase.FAILED), done=(PREPARE,)).end
    assert end
    assert end.text.startswith("step train:")


# --- a step that ended well and left no marker


def test_a_marker_may_come_a_little_late() -> None:
    for ago in (0, MARKER_GRACE_SECONDS - 1):
        decision = look(made_plan(), there(PREPARE, Phase.SUCCEEDED, ago=ago))
        assert (decision.stop, decision.create, decision.end) == ((), (), None)


def test_a_marker_that_does_not_come_is_a_failure_that_names_the_folder_and_what_is_wrong_with_it() -> None:
    one = there(PREPARE, Phase.SUCCEEDED, ago=MARKER_GRACE_SECONDS + 1)
    end = look(made_plan(), one).end
    assert end
    assert (end.ok, end.culprit) == (False, one)
    assert PREPARE.folder in end.text
    assert PROBLEM in end.text


def test_a_marker_may_come_a_little_late_when_another_run_has_taken_over_too() -> None:
    decision = look(made_plan(), there(PREPARE, Phase.SUCCEEDED, ago=MARKER_GRACE_SECONDS - 1, run="earlier"))
    assert (decision.stop, decision.create, decision.end) == ((), (), None)


def test_a_success_of_an_earlier_run_whose_folder_is_gone_is_deleted_and_tried_again() -> None:
    one = there(PREPARE, Phase.SUCCEEDED, ago=MARKER_GRACE_SECONDS + 1, run="earlier")
    decision = look(made_plan(), one)
    assert (decision.stop, decision.create, decision.end) == ((one,), (), None)


# --- limits


def test_a_steps_limit_counts_from_when_all_its_pods_ran() -> None:
    long_made = there(PREPARE, Phase.RUNNING, ago=30 * HOUR, running_since=NOW - 1 * HOUR + 1)
    assert look(made_plan(), long_made).end is None
    over = replace(long_made, running_since=NOW - 1 * HOUR - 1)
    decision = look(made_plan(), over)
    assert decision.end
    assert not decision.end.ok
    assert decision.end.text == "step prepare: stopped: it ran longer than its limit of 1 h"
    assert decision.stop == (over,)


def test_the_limit_goes_on_counting_while_a_pod_is_replaced() -> None:
    over = there(PREPARE, Phase.WAITING, ago=5, running_since=NOW - 1 * HOUR - 1)
    end = look(made_plan(), over).end
    assert end
    assert "longer than its limit" in end.text


def test_a_step_of_which_nothing_is_noted_has_no_limit_yet() -> None:
    assert look(made_plan(), there(PREPARE, Phase.RUNNING, ago=30 * HOUR)).end is None


def test_a_step_that_ended_well_after_its_limit_has_ended_well() -> None:
    one = there(PREPARE, Phase.SUCCEEDED, ago=5, running_since=NOW - 30 * HOUR)
    assert look(made_plan(), one).end is None


def test_the_wait_for_capacity_ends_with_what_the_cluster_says() -> None:
    plan = made_plan()
    waiting = there(PREPARE, Phase.WAITING, ago=plan.capacity_seconds - 1, reason="Unschedulable: no trn1 node")
    assert look(plan, waiting).end is None
    over = replace(waiting, since=NOW - plan.capacity_seconds - 1)
    decision = look(plan, over)
    assert decision.end
    assert not decision.end.ok
    assert "after 6 h (trainyard:capacityTimeout)" in decision.end.text
    assert "Unschedulable: no trn1 node" in decision.end.text
    assert decision.stop == (over,)


def test_a_step_that_runs_or_leaves_waits_for_no_capacity() -> None:
    for phase in (Phase.RUNNING, Phase.LEAVING):
        assert look(made_plan(), there(PREPARE, phase, ago=48 * HOUR)).end is None


def test_a_pod_replaced_after_days_has_all_the_time_for_capacity_again() -> None:
    plan = made_plan()
    one = there(TRAIN, Phase.WAITING, ago=plan.capacity_seconds - 1, running_since=NOW - 23 * HOUR)
    assert look(plan, one, done=(PREPARE, BASELINE)).end is None


def test_a_container_that_cannot_start_is_given_up_long_before_the_wait_for_capacity_is_over() -> None:
    stuck = there(PREPARE, Phase.WAITING, ago=STUCK_SECONDS - 1, stuck=True, reason="ErrImagePull: no such image")
    assert look(made_plan(), stuck).end is None
    over = replace(stuck, since=NOW - STUCK_SECONDS - 1)
    decision = look(made_plan(), over)
    assert decision.end
    assert not decision.end.ok
    assert "cannot start: ErrImagePull: no such image" in decision.end.text
    assert decision.stop == (over,)
    assert look(made_plan(), replace(over, stuck=False)).end is None


def test_what_failed_is_stopped_last_so_that_a_run_cut_off_meanwhile_sees_it_again() -> None:
    over = there(TRAIN, Phase.RUNNING, running_since=NOW - 25 * HOUR)
    beside = there(BASELINE, Phase.RUNNING, running_since=NOW - 60)
    for objects in ((over, beside), (beside, over)):
        assert look(made_plan(), *objects, done=(PREPARE,)).stop == (beside, over)


# --- steps that the run leaves out


def test_a_need_left_out_and_not_done_ends_the_run_with_what_to_do() -> None:
    plan = made_plan(TRAIN)
    decision = look(plan)
    assert decision.end
    assert not decision.end.ok
    assert PREPARE.folder in decision.end.text
    assert PROBLEM in decision.end.text
    assert "Set trainyard:steps.from to prepare" in decision.end.text
    assert decision.create == ()


def test_a_need_left_out_is_fine_where_it_is_done() -> None:
    assert look(made_plan(TRAIN), done=(PREPARE,)).create == (TRAIN,)


def test_a_need_left_out_of_a_step_that_is_done_matters_to_nobody() -> None:
    end = look(made_plan(TRAIN), done=(TRAIN,)).end
    assert end
    assert end.ok


# --- the end


def test_the_run_has_succeeded_when_every_step_is_done() -> None:
    end = look(made_plan(), done=STEPS).end
    assert end
    assert (end.ok, end.text, end.culprit) == (True, "r: all 4 steps are done", None)


def test_the_last_pods_of_done_steps_are_waited_for() -> None:
    for phase in ACTIVE:
        decision = look(made_plan(), there(REPORT, phase, running_since=NOW - 60), done=STEPS)
        assert (decision.stop, decision.end) == ((), None)
        assert REPORT.title in decision.status


def test_objects_that_have_ended_or_are_leaving_keep_no_run_from_its_end() -> None:
    for phase in (*ENDED, Phase.LEAVING):
        for run in ("this", "earlier"):
            decision = look(made_plan(), there(REPORT, phase, run=run), done=STEPS)
            assert (decision.stop, decision.create) == ((), ())
            assert decision.end
            assert decision.end.ok


def test_a_done_step_whose_pods_stay_longer_than_its_limit_is_stopped_and_the_run_ends_well() -> None:
    over = there(REPORT, Phase.RUNNING, running_since=NOW - REPORT.limit_seconds - 1)
    decision = look(made_plan(), over, done=STEPS)
    assert (decision.stop, decision.end) == ((over,), None)
    never_noted = there(REPORT, Phase.RUNNING, ago=REPORT.limit_seconds + 1)
    assert look(made_plan(), never_noted, done=STEPS).stop == (never_noted,)
    end = look(made_plan(), replace(over, phase=Phase.LEAVING), done=STEPS).end
    assert end
    assert end.ok


def test_a_plan_of_no_steps_has_ended() -> None:
    end = look(Plan("r", (), {}, 60)).end
    assert end
    assert end.ok


# --- what operators try again in vain


@pytest.mark.parametrize("run", ["this", "an earlier one"])
@pytest.mark.parametrize("phase", sorted(ACTIVE, key=str))
def test_a_hopeless_step_fails_at_once_and_is_stopped_before_it_is_tried_again(phase: Phase, run: str) -> None:
    train = there(TRAIN, phase, kind="RayJob", hopeless="AppFailed: exit code 2", run=run)
    decision = look(made_plan(), train, done=(PREPARE, BASELINE))
    assert decision.stop == (train,)
    assert decision.end is not None
    assert (decision.end.ok, decision.end.text) == (False, "step train: AppFailed: exit code 2")


def test_a_crippled_step_goes_so_that_it_is_made_anew() -> None:
    train = there(TRAIN, Phase.WAITING, kind="MPIJob", crippled=True, running_since=NOW - 60)
    decision = look(made_plan(), train, done=(PREPARE, BASELINE))
    assert (decision.stop, decision.create, decision.end) == ((train,), (), None)
    assert look(made_plan(), done=(PREPARE, BASELINE)).create == (TRAIN,)


def test_a_crippled_step_that_is_done_is_left_to_end() -> None:
    train = there(TRAIN, Phase.RUNNING, kind="MPIJob", crippled=True, running_since=NOW - 60)
    assert look(made_plan(), train, done=(PREPARE, TRAIN, BASELINE)).stop == ()
