"""What a look at a run amounts to: which step is looked at, what is done, and how long the rest takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stacks.follow.picture import Moment, Sight, Verdict, current, infer_done, latest, picture, seconds_left
from tests.workloads.programs.run.world import BASELINE, NOON, PLAN, PREPARE, REPORT, TRAIN
from workloads.programs.journal import Progress
from workloads.programs.run.decide import View, told_done
from workloads.programs.run.plan import StepPlan
from workloads.programs.run.states import Phase, Seen


def one(step: StepPlan, phase: Phase, reason: str = "", since: float = NOON) -> Seen:
    return Seen("Job", step.title, step.name, step.hash, step.digest, "this", phase, since, reason=reason)


def view(*objects: Seen, done: set[str] | None = None) -> View:
    problems = {step.name: None if step.name in (done or set()) else "is not done" for step in PLAN.steps}
    return View(objects, problems, "this", NOON + 100)


def steps(*pairs: tuple[float, int], total: int = 100) -> list[Moment]:
    return [Moment(at, Progress(done, total, "steps")) for at, done in pairs]


def test_a_step_that_failed_is_looked_at_before_one_that_runs_and_that_before_one_that_waits() -> None:
    waits, runs, failed = one(PREPARE, Phase.WAITING), one(TRAIN, Phase.RUNNING), one(BASELINE, Phase.FAILED)
    assert current(PLAN, view(waits, runs, failed)) == "baseline"
    assert current(PLAN, view(waits, runs)) == "train"
    assert current(PLAN, view(waits)) == "prepare"
    assert current(PLAN, view()) is None


def test_a_step_that_is_done_is_not_looked_at_though_its_object_is_still_ending() -> None:
    assert current(PLAN, view(one(PREPARE, Phase.RUNNING), done={"prepare"})) is None


def test_steps_stand_as_the_run_itself_would_say() -> None:
    sight = Sight("here", PLAN, view(one(TRAIN, Phase.WAITING, "no machine"), done={"prepare"}), Verdict("it goes on"))
    told = {row.step.name: str(row.standing) for row in picture(sight).rows}
    assert told == {"prepare": "done", "train": "waiting (no machine)", "baseline": "to come", "report": "to come"}


def test_what_a_step_needs_is_done_once_its_object_was_made() -> None:
    assert infer_done(PLAN, [one(REPORT, Phase.WAITING)], set(), False) == {"prepare", "train", "baseline"}
    assert infer_done(PLAN, [one(TRAIN, Phase.FAILED)], set(), False) == {"prepare"}


def test_an_object_that_succeeded_and_what_the_run_told_are_done_and_all_is_when_the_run_ended_well() -> None:
    assert infer_done(PLAN, [one(PREPARE, Phase.SUCCEEDED)], {"baseline"}, False) == {"prepare", "baseline"}
    assert infer_done(PLAN, [], set(), True) == PLAN.names


def test_an_object_of_an_earlier_hash_tells_nothing() -> None:
    stray = Seen("Job", "train-old", "train", "old", "digest-old", "earlier", Phase.SUCCEEDED, NOON)
    assert infer_done(PLAN, [stray], set(), False) == set()
    assert current(PLAN, view(stray)) is None


def test_the_runs_own_line_tells_what_is_done_and_no_reason_is_taken_for_it() -> None:
    line = "prepare done, train waiting (train done of it, say some), baseline to come, report to come"
    assert told_done(line, PLAN) == {"prepare"}
    assert told_done("stopping train-aaa, which this run does not ask for", PLAN) == set()


def test_time_left_is_by_the_speed_of_late() -> None:
    moments = steps((0, 0), (100, 10), (110, 20), (120, 30))
    assert seconds_left(moments, 120) == pytest.approx(70 * 120 / 30)
    late = steps(*[(10.0 * n, n) for n in range(5)], *[(40.0 + n, 4 + n) for n in range(1, 20)])
    assert seconds_left(late, late[-1].at) == pytest.approx(100 - 23)


def test_time_left_starts_over_after_a_resume_and_when_something_else_is_counted() -> None:
    assert seconds_left(steps((0, 50), (10, 60), (20, 20)), 20) is None
    assert seconds_left([*steps((0, 1), (1, 2)), Moment(5, Progress(1, 9, "rows"))], 5) is None


@given(st.lists(st.tuples(st.floats(0, 1e6), st.integers(0, 200))), st.floats(0, 2e6))
def test_time_left_is_never_negative_whatever_was_told(told: list[tuple[float, int]], now: float) -> None:
    left = seconds_left(steps(*told), now)
    assert left is None or left >= 0


def test_the_last_known_speed_stays_while_a_step_tells_none() -> None:
    told = [Moment(0, Progress(10, 100, "steps", 2.0, 800.0)), Moment(1, Progress(11, 100, "steps", 1.9))]
    assert latest(told) == Progress(11, 100, "steps", 1.9, 800.0)
    assert latest([]) is None
