"""A run does what was decided, over an API server that refuses, loses answers and takes its time; and it ends."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from tests.workloads.programs.run.world import (
    BASELINE,
    HOUR,
    PLAN,
    PREPARE,
    REPORT,
    TRAIN,
    Item,
    World,
    job,
    runs,
    source,
    stamp,
)
from workloads.programs import folders
from workloads.programs.run import main
from workloads.programs.run import plan as plans
from workloads.programs.run.api import STEP_KINDS, RefusedError, UnreachableError
from workloads.programs.run.decide import MARKER_GRACE_SECONDS, STUCK_SECONDS, End
from workloads.programs.run.main import Run, carry_out
from workloads.programs.run.plan import StepPlan


def test_a_plan_reads_as_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(asdict(PLAN)))
    assert plans.read(file) == PLAN
    assert PLAN.names == {"prepare", "train", "baseline", "report"}


def test_a_recipe_is_walked_to_its_end(world: World) -> None:
    run = world.run()
    assert run.turn() is None
    assert world.steps == {"prepare"}
    world.ends(PREPARE)
    assert run.turn() is None
    assert world.steps == {"prepare", "train", "baseline"}
    world.ends(TRAIN)
    assert world.turns(run, 3) is None
    assert "report" not in world.steps
    world.ends(BASELINE)
    assert run.turn() is None
    assert "report" in world.steps
    world.ends(REPORT)
    assert run.turn() == End(True, "r: all 4 steps are done")
    created = [line for line in world.cluster.writes if line.startswith("create Job")]
    assert created == [f"create Job {one.title}" for one in (PREPARE, TRAIN, BASELINE, REPORT)]


def test_a_steps_objects_are_made_in_their_order_and_go_with_the_config_map_that_holds_them(world: World) -> None:
    world.mark_done(PREPARE, BASELINE)
    world.run().turn()
    assert world.cluster.writes == [f"create Service {TRAIN.title}", f"create Job {TRAIN.title}"]
    owner = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "name": TRAIN.config_map,
        "uid": world.cluster.items["ConfigMap", TRAIN.config_map]["metadata"]["uid"],
        "blockOwnerDeletion": True,
    }
    for kind in ("Service", "Job"):
        assert world.cluster.items[kind, TRAIN.title]["metadata"]["ownerReferences"] == [owner]


def test_an_object_bears_who_made_it_and_from_what_beside_its_own_annotations(world: World) -> None:
    world.run("mine").turn()
    annotations = world.cluster.step("prepare")["metadata"]["annotations"]
    assert annotations == {plans.PODS: "1", plans.RUN: "mine", plans.DIGEST: PREPARE.digest}


def test_when_all_pods_run_is_noted_at_the_object_and_stays(world: World) -> None:
    world.mark_done(PREPARE, BASELINE)
    run = world.run()
    run.turn()
    item = world.cluster.step("train")
    runs(world.cluster.make_pods(item, 2)[0], world.cluster.now)
    world.turns(run, 2)
    assert plans.RUNNING_SINCE not in item["metadata"]["annotations"]
    world.pods_run("train")
    world.turns(run, 1)
    noted = item["metadata"]["annotations"][plans.RUNNING_SINCE]
    assert float(noted) == world.cluster.now
    world.turns(world.run("another"), 3)
    assert item["metadata"]["annotations"][plans.RUNNING_SINCE] == noted


def test_an_object_that_goes_before_its_note_is_made_again(world: World) -> None:
    run = world.run()
    run.turn()
    world.pods_run("prepare")
    world.cluster.remove(world.cluster.step("prepare"))
    assert run.turn() is None
    assert world.steps == {"prepare"}


def test_a_step_runs_no_longer_than_its_limit_after_the_note(world: World) -> None:
    run = world.run()
    run.turn()
    world.cluster.now += HOUR - 10  # waits for capacity: that is not its own time
    world.pods_run("prepare")
    assert world.turns(run, 2, seconds=PREPARE.limit_seconds) is None
    end = world.turns(run, 1)
    assert end
    assert end.text == "step prepare: stopped: it ran longer than its limit of 2 h"
    assert world.cluster.writes[-1] == f"delete Job {PREPARE.title}"


def test_what_this_run_does_not_ask_for_is_gone_before_anything_is_made(world: World) -> None:
    old = replace(TRAIN, hash="old")
    world.cluster.put(job(old))
    world.mark_done(PREPARE)
    run = world.run()
    run.turn()
    assert world.cluster.writes == [f"delete Job {old.title}"]
    while ("Job", old.title) in world.cluster.items:
        assert len(world.cluster.writes) == 1
        run.turn()
    assert f"create Job {TRAIN.title}" in world.cluster.writes


def test_a_changed_manifest_of_the_same_hash_takes_the_place_of_the_old_one(world: World) -> None:
    world.run("earlier").turn()
    world.cluster.step("prepare")["metadata"]["annotations"][plans.DIGEST] = "from another manifest"
    world.turns(world.run(), 6)
    assert world.cluster.writes == [
        f"create Job {PREPARE.title}",
        f"delete Job {PREPARE.title}",
        f"create Job {PREPARE.title}",
    ]


def test_jobs_of_other_people_are_left_alone(world: World) -> None:
    theirs = {"kind": "Job", "metadata": {"name": "theirs", "labels": {plans.STEP_LABEL: "train"}}}
    world.cluster.put(theirs)
    world.mark_done(*PLAN.steps)
    end = world.run().turn()
    assert end
    assert end.ok
    assert world.cluster.writes == []


def test_a_failure_of_this_run_ends_it_and_stops_the_step_beside_it_once(world: World) -> None:
    world.mark_done(PREPARE)
    run = world.run()
    run.turn()
    world.pods_run("baseline")
    world.turns(run, 1)
    world.ends(TRAIN, well=False)
    before = len(world.cluster.writes)
    end = run.turn()
    assert end
    assert end.text == "step train: BackoffLimitExceeded: it failed"
    again = run.turn()
    assert again
    assert again.text == end.text
    assert world.cluster.writes[before:] == [f"delete Job {BASELINE.title}"]


@pytest.mark.parametrize("kind", STEP_KINDS)
def test_a_failure_of_an_earlier_run_is_tried_again_and_then_counts(world: World, kind: str) -> None:
    world.cluster.items["ConfigMap", PREPARE.config_map] = source(PREPARE, job(PREPARE, kind))
    world.cluster.items["ConfigMap", PREPARE.config_map]["metadata"]["uid"] = "uid"
    earlier = world.run("earlier")
    earlier.turn()
    world.ends(PREPARE, well=False)
    assert earlier.turn()
    run = world.run()
    assert world.turns(run, 6) is None
    assert world.cluster.step("prepare")["metadata"]["annotations"][plans.RUN] == "this"
    world.ends(PREPARE, well=False)
    end = run.turn()
    assert end
    assert not end.ok


def test_a_step_that_ended_well_and_leaves_no_marker_fails_after_a_while(world: World) -> None:
    run = world.run()
    run.turn()
    world.ends(PREPARE, marked=False)
    assert world.turns(run, 6, seconds=MARKER_GRACE_SECONDS / 6) is None
    end = world.turns(run, 1)
    assert end
    assert PREPARE.folder in end.text
    assert folders.MARKER in end.text


def test_a_marker_whose_files_are_not_all_there_yet_is_waited_for(world: World) -> None:
    run = world.run()
    run.turn()
    weights = world.shared / PREPARE.folder / "weights"
    weights.parent.mkdir(parents=True)
    weights.write_text("whole")
    world.ends(PREPARE)
    weights.write_text("")
    assert run.turn() is None
    assert "train" not in world.steps
    weights.write_text("whole")
    assert run.turn() is None
    assert "train" in world.steps


def test_a_folder_that_cannot_be_read_just_now_ends_no_run(world: World) -> None:
    marker = world.shared / PREPARE.folder / folders.MARKER
    marker.mkdir(parents=True)  # reading it is an OSError
    run = world.run()
    run.turn()
    world.ends(PREPARE, marked=False)
    assert run.turn() is None
    end = world.turns(run, 1, seconds=MARKER_GRACE_SECONDS + 5)
    assert end
    assert "cannot be read" in end.text


def test_a_service_that_a_killed_run_made_is_taken_as_it_is(world: World) -> None:
    world.mark_done(PREPARE, BASELINE)
    world.cluster.troubles[f"create Job {TRAIN.title}"] = UnreachableError("cut off")
    with pytest.raises(UnreachableError):
        world.run().turn()
    world.cluster.troubles.clear()
    assert world.run().turn() is None
    assert world.steps == {"train"}


def test_an_object_of_that_name_that_somebody_else_made_ends_the_run_and_stays(world: World) -> None:
    world.cluster.put({"kind": "Job", "metadata": {"name": PREPARE.title}})
    end = world.run().turn()
    assert end
    assert not end.ok
    assert end.text.startswith("step prepare: the cluster refuses it: ")
    assert f"Job {PREPARE.title} that Trainyard did not make" in end.text
    assert not any(line.startswith("delete") for line in world.cluster.writes)


def test_a_name_taken_and_free_again_in_the_same_moment_is_asked_for_again(world: World) -> None:
    world.cluster.troubles[f"create Job {PREPARE.title}"] = RefusedError(409, "the object has been modified")
    with pytest.raises(UnreachableError, match=PREPARE.title):
        world.run().turn()


def test_a_step_that_the_cluster_refuses_ends_the_run_in_the_clusters_words(world: World) -> None:
    world.cluster.troubles[f"create Job {PREPARE.title}"] = RefusedError(422, "spec.template: Required value")
    end = world.run().turn()
    assert end == End(False, "step prepare: the cluster refuses it: spec.template: Required value")


def test_a_step_whose_config_map_is_gone_ends_the_run(world: World) -> None:
    del world.cluster.items["ConfigMap", PREPARE.config_map]
    end = world.run().turn()
    assert end
    assert PREPARE.config_map in end.text


def test_a_refused_step_leaves_none_running_beside_it(world: World) -> None:
    world.mark_done(PREPARE)
    world.cluster.troubles[f"create Job {BASELINE.title}"] = RefusedError(403, "exceeded quota")
    end = world.run().turn()
    assert end
    assert "exceeded quota" in end.text
    assert world.cluster.writes[-1] == f"delete Job {TRAIN.title}"


@pytest.mark.parametrize("order", [(TRAIN, BASELINE), (BASELINE, TRAIN)])
def test_a_limit_passed_is_not_forgotten_when_the_answer_to_the_first_stop_is_lost(
    world: World, order: Sequence[StepPlan]
) -> None:
    world.mark_done(PREPARE)
    run = world.run()
    run.turn()
    for step in order:
        world.pods_run(step.name)
        world.turns(run, 1)
    world.cluster.troubles = {f"delete Job {order[1].title}": UnreachableError("cut off")}
    with pytest.raises(UnreachableError):
        world.turns(run, 1, seconds=TRAIN.limit_seconds - 2)
    world.cluster.troubles.clear()
    end = run.turn()
    assert end
    assert f"step {order[0].name}: stopped" in end.text


def waiting_for_a_machine(world: World) -> Run:
    run = world.run()
    run.turn()
    (pod,) = world.cluster.make_pods(world.cluster.step("prepare"), 1)
    told = {"reason": "Unschedulable", "message": "0/1 nodes are available"}
    pod["status"]["conditions"] = [{"type": "PodScheduled", "status": "False", **told}]
    return run


def claim(name: str, status: str, message: str) -> Item:
    launched = {"type": "Launched", "status": status, "reason": "LaunchFailed", "message": message}
    return {"kind": "NodeClaim", "metadata": {"name": name}, "status": {"conditions": [launched]}}


def event(name: str, message: str, kind: str = "NodeClaim") -> Item:
    about = {"involvedObject": {"kind": kind}, "reason": "InsufficientCapacityError", "message": message}
    return {"kind": "Event", "metadata": {"name": name}, **about}


def test_a_wait_for_capacity_ends_with_what_scheduler_claims_and_events_say_each_once(world: World) -> None:
    world.cluster.put(claim("trainium-x", "Unknown", "no subnet"))
    world.cluster.put(claim("trainium-y", "True", "launched"))
    world.cluster.put({"kind": "NodeClaim", "metadata": {"name": "new"}})
    for name in ("one", "two"):
        world.cluster.put(event(name, "all requested instance types were unavailable"))
    world.cluster.put(event("other", "a pod's", kind="Pod"))
    run = waiting_for_a_machine(world)
    assert world.turns(run, 1, seconds=PLAN.capacity_seconds) is None
    end = world.turns(run, 1)
    assert end
    assert end.text == (
        "step prepare: stopped: after 1 h (trainyard:capacityTimeout) not all of its pods run: "
        "Unschedulable: 0/1 nodes are available; trainium-x: LaunchFailed: no subnet; "
        "InsufficientCapacityError: all requested instance types were unavailable"
    )
    assert world.cluster.writes[-1] == f"delete Job {PREPARE.title}"


@pytest.mark.parametrize("request_refused", ["list NodeClaim", "list Event"])
def test_a_run_that_may_not_read_claims_goes_without(world: World, request_refused: str) -> None:
    world.cluster.troubles[request_refused] = RefusedError(403, "nodeclaims is forbidden")
    end = world.turns(waiting_for_a_machine(world), 1, seconds=PLAN.capacity_seconds + 5)
    assert end
    assert end.text.endswith("not all of its pods run: Unschedulable: 0/1 nodes are available")


def test_a_container_that_cannot_start_is_put_down_to_no_machine(world: World) -> None:
    world.cluster.put(claim("trainium-x", "Unknown", "no subnet"))
    run = waiting_for_a_machine(world)
    (pod,) = world.cluster.pods(world.cluster.step("prepare"))
    state = {"waiting": {"reason": "ErrImagePull", "message": "no such image"}}
    pod["status"] = {"phase": "Pending", "containerStatuses": [{"name": "step", "state": state}]}
    assert world.turns(run, 1, seconds=STUCK_SECONDS) is None
    end = world.turns(run, 1)
    assert end
    assert end.text == "step prepare: stopped: a container of it cannot start: ErrImagePull: no such image"


def test_a_drained_node_days_after_the_start_is_no_wait_for_capacity(world: World) -> None:
    run = world.run()
    run.turn()
    (pod,) = world.pods_run("prepare")
    assert world.turns(run, 2, seconds=PREPARE.limit_seconds / 2 - 60) is None
    pod["metadata"]["deletionTimestamp"] = stamp(world.cluster.now + 30)
    assert world.turns(run, 3) is None
    del world.cluster.items["Pod", pod["metadata"]["name"]]
    assert world.turns(run, 3) is None
    world.cluster.make_pods(world.cluster.step("prepare"), 1)
    assert world.turns(run, 3) is None


class Clock:
    """Time as carry_out sees it: it passes while it sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(main, "time", clock)
    return clock


def away(world: World, when: Callable[[int], bool]) -> None:
    """From now on the API server gives no answer at those looks, counted from 0."""
    looks = iter(range(10**6))

    def answer() -> None:
        if when(next(looks)):
            raise UnreachableError("connection refused")

    world.cluster.each_look = answer


def test_an_api_server_that_is_away_for_a_while_is_asked_again(
    world: World, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    world.mark_done(*PLAN.steps)
    away(world, lambda look: look < 3)
    assert carry_out(world.run(), interval=5).ok
    assert clock.now == 15
    assert capsys.readouterr().out.count("connection refused") == 3


def test_an_api_server_that_stays_away_is_given_up(world: World, clock: Clock) -> None:
    away(world, lambda look: True)
    end = carry_out(world.run(), interval=5)
    assert end == End(False, "the API server gave no answer: connection refused")
    assert main.PATIENCE_SECONDS < clock.now <= main.PATIENCE_SECONDS + 5


def test_patience_begins_anew_with_every_answer(world: World, clock: Clock) -> None:
    away(world, lambda look: look % 100 != 99)
    world.cluster.put(job(replace(TRAIN, hash="old")))
    world.cluster.deletion_looks = 500
    world.mark_done(*PLAN.steps)
    assert carry_out(world.run(), interval=5).ok
    assert clock.now > 2 * main.PATIENCE_SECONDS


def test_a_right_that_the_run_lacks_ends_it_at_once_in_the_servers_words(world: World, clock: Clock) -> None:
    world.cluster.troubles["list RayJob"] = RefusedError(403, "rayjobs.ray.io is forbidden")
    end = carry_out(world.run(), interval=5)
    assert end == End(False, "the cluster refuses what the run must do: rayjobs.ray.io is forbidden")


def test_nothing_is_asked_after_the_end(world: World, clock: Clock) -> None:
    world.mark_done(PREPARE, TRAIN)
    looks = iter(range(100))

    def time_passes() -> None:
        if next(looks) == 3:
            world.ends(BASELINE, well=False)

    world.cluster.each_look = time_passes
    assert not carry_out(world.run(), interval=5).ok
    assert next(looks) == 4


def test_the_same_status_is_told_once(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    run = world.run()
    world.turns(run, 5)
    world.pods_run("prepare")
    world.turns(run, 5)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(set(lines))
    assert any("prepare running" in line for line in lines)
