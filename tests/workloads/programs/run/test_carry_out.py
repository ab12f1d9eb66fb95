"""A run does what was decided, step by step, and it ends."""

import json
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
    World,
    job,
    runs,
    source,
)
from workloads.programs import folders, images
from workloads.programs.run import plan as plans
from workloads.programs.run.api import STEP_KINDS
from workloads.programs.run.decide import MARKER_GRACE_SECONDS, End


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


def test_the_digest_of_a_steps_image_is_noted_once_a_node_has_pulled_it(world: World) -> None:
    run = world.run()
    run.turn()
    folder, digest = world.shared / PREPARE.folder, f"sha256:{'ab' * 32}"
    (pod,) = world.pods_run("prepare")
    run.turn()
    assert images.noted(folder) is None
    pod["status"]["containerStatuses"][0]["imageID"] = f"registry.test/image@{digest}"
    run.turn()
    assert images.noted(folder) == digest


def test_a_volume_that_takes_no_note_of_an_image_ends_no_run(world: World) -> None:
    run = world.run()
    run.turn()
    (pod,) = world.pods_run("prepare")
    pod["status"]["containerStatuses"][0]["imageID"] = f"registry.test/image@sha256:{'ab' * 32}"
    (world.shared / PREPARE.folder).parent.mkdir(parents=True)
    (world.shared / PREPARE.folder).parent.joinpath(images.FOLDER).write_text("in the way")
    assert run.turn() is None
