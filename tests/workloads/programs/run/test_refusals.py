"""What stands in a run's way: names that are taken, what the cluster refuses, answers that are lost."""

from collections.abc import Sequence

import pytest

from tests.workloads.programs.run.world import (
    BASELINE,
    PREPARE,
    TRAIN,
    World,
)
from workloads.programs.run.api import RefusedError, UnreachableError
from workloads.programs.run.decide import End
from workloads.programs.run.plan import StepPlan


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
