"""A run waits for machines as long as it may, and says what it waited for."""

import pytest

from tests.workloads.programs.run.world import (
    PLAN,
    PREPARE,
    Item,
    World,
    stamp,
)
from workloads.programs.run.api import RefusedError
from workloads.programs.run.decide import STUCK_SECONDS
from workloads.programs.run.main import Run


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
