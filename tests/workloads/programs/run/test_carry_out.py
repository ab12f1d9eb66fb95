"""A run does what was decided, over an API server that refuses, loses answers and takes its time; and it ends."""

import copy
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workloads.programs import folders
from workloads.programs.run import main
from workloads.programs.run import plan as plans
from workloads.programs.run.api import STEP_KINDS, Api, RefusedError, UnreachableError
from workloads.programs.run.decide import MARKER_GRACE_SECONDS, STUCK_SECONDS, End
from workloads.programs.run.main import Run, carry_out
from workloads.programs.run.plan import Plan, StepPlan
from workloads.programs.run.report import LIMIT, LOG_LINES, termination_message
from workloads.programs.run.states import Phase, Seen

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()
HOUR = 3600.0

T = TypeVar("T")
Item = dict[str, Any]
Items = list[Item]


def stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Cluster(Api):
    """An API server in memory. Deletion is in the foreground: an object stays, leaving, for some looks more.

    `troubles` has what comes of a request, by its words, in place of an answer. A look begins with a list of the pods.
    """

    def __init__(self) -> None:
        self.namespace = "trainyard"
        self.now = NOON
        self.items: dict[tuple[str, str], Item] = {}
        self.writes: list[str] = []
        self.logs: dict[str, str] = {}
        self.troubles: dict[str, Exception] = {}
        self.deletion_looks = 2
        self.each_look: Callable[[], None] = lambda: None
        self._leaving: dict[tuple[str, str], int] = {}
        self._made = 0

    def list(self, kind: str, **query: str) -> Items:
        if kind == "Pod":
            self._deletion()
            self.each_look()
        labels, fields = query.get("labelSelector", ""), query.get("fieldSelector", "")
        found = (item for (of, _), item in self.items.items() if of == kind)
        return self._serve(f"list {kind}", lambda: [one for one in found if _meets(one, labels, fields)])

    def get(self, kind: str, name: str) -> Item:
        return self._serve(f"get {kind} {name}", lambda: copy.deepcopy(self._found(kind, name)))

    def create(self, item: Mapping[str, Any]) -> None:
        self._serve(f"create {item['kind']} {item['metadata']['name']}", lambda: self.put(item))

    def annotate(self, kind: str, name: str, **annotations: str) -> None:
        def change() -> None:
            if (kind, name) in self.items:
                self.items[kind, name]["metadata"].setdefault("annotations", {}).update(annotations)

        self._serve(f"annotate {kind} {name}", change)

    def delete(self, kind: str, name: str) -> None:
        self._serve(f"delete {kind} {name}", lambda: self._begin_to_delete(kind, name))

    def log(self, pod: str, container: str, lines: int) -> str:
        return "\n".join(self.logs.get(f"{pod}/{container}", "").splitlines()[-lines:])

    def put(self, item: Mapping[str, Any]) -> None:
        kind, name = item["kind"], item["metadata"]["name"]
        if (kind, name) in self.items:
            raise RefusedError(409, f'{kind} "{name}" already exists')
        self._made += 1
        made = {"uid": f"uid-{self._made}", "creationTimestamp": stamp(self.now)}
        self.items[kind, name] = {**copy.deepcopy(dict(item)), "metadata": {**item["metadata"], **made}}

    def steps_there(self) -> Iterator[Item]:
        yield from (item for (kind, _), item in self.items.items() if kind in STEP_KINDS)

    def step(self, name: str) -> Item:
        return next(item for item in self.steps_there() if item["metadata"]["labels"][plans.STEP_LABEL] == name)

    def make_pods(self, item: Item, number: int) -> Items:
        """Pending pods of a step's object."""
        for _ in range(number):
            metadata = {"name": f"{item['metadata']['name']}-{self._made}", "labels": item["metadata"]["labels"]}
            self.put({"kind": "Pod", "metadata": metadata, "status": {"phase": "Pending"}})
        return self.pods(item)

    def pods(self, item: Item) -> Items:
        labels = item["metadata"]["labels"]
        return [one for (kind, _), one in self.items.items() if kind == "Pod" and one["metadata"]["labels"] == labels]

    def remove(self, item: Item) -> None:
        """`item` and its pods are gone at once."""
        for one in (*self.pods(item), item):
            del self.items[one["kind"], one["metadata"]["name"]]

    def _found(self, kind: str, name: str) -> Item:
        try:
            return self.items[kind, name]
        except KeyError:
            raise RefusedError(404, f'{kind} "{name}" not found') from None

    def _begin_to_delete(self, kind: str, name: str) -> None:
        item = self.items.get((kind, name))
        if item and "deletionTimestamp" not in item["metadata"]:
            item["metadata"]["deletionTimestamp"] = stamp(self.now)
            self._leaving[kind, name] = self.deletion_looks

    def _deletion(self) -> None:
        for key, looks in [*self._leaving.items()]:
            self._leaving[key] = looks - 1
            if looks <= 0:
                del self._leaving[key]
                self.remove(self.items[key])

    def _serve(self, request: str, action: Callable[[], T]) -> T:
        if request in self.troubles:
            raise self.troubles[request]
        if not request.startswith(("list", "get")):
            self.writes.append(request)
        return action()


def _meets(item: Item, labels: str, fields: str) -> bool:
    has: Item = item["metadata"].get("labels", {})
    wanted = [one.partition("=") for one in filter(None, labels.split(","))]
    about = {"involvedObject.kind": item.get("involvedObject", {}).get("kind"), "reason": item.get("reason")}
    asked = [one.partition("=") for one in filter(None, fields.split(","))]
    return all(key in has and (not sign or has[key] == value) for key, sign, value in wanted) and all(
        about[key] == value for key, _, value in asked
    )


OUTCOMES: Mapping[tuple[str, bool], Callable[[str], Item]] = {
    ("Job", True): lambda at: {"conditions": [{"type": "Complete", "status": "True", "lastTransitionTime": at}]},
    ("Job", False): lambda at: {
        "conditions": [
            {
                "type": "Failed",
                "status": "True",
                "lastTransitionTime": at,
                "reason": "BackoffLimitExceeded",
                "message": "it failed",
            }
        ]
    },
    ("RayJob", True): lambda at: {"jobStatus": "SUCCEEDED", "jobDeploymentStatus": "Complete", "endTime": at},
    ("RayJob", False): lambda at: {"jobStatus": "STOPPED", "jobDeploymentStatus": "Complete", "endTime": at},
    ("MPIJob", True): lambda at: {
        "conditions": [{"type": "Failed", "status": "False"}, {"type": "Succeeded", "status": "True"}],
        "completionTime": at,
    },
    ("MPIJob", False): lambda at: {"conditions": [{"type": "Failed", "status": "True"}], "completionTime": at},
}
"""The status of each kind that has ended, well or not."""


def runs(pod: Item, at: float) -> None:
    state = {"running": {"startedAt": stamp(at)}}
    pod["status"] = {"phase": "Running", "containerStatuses": [{"name": "step", "state": state}]}


def ends(pod: Item, at: float, status: int, reason: str = "Error") -> None:
    state = {"terminated": {"exitCode": status, "reason": reason, "finishedAt": stamp(at)}}
    phase = "Failed" if status else "Succeeded"
    pod["status"] = {"phase": phase, "containerStatuses": [{"name": "step", "state": state}]}


def job(step: StepPlan, kind: str = "Job", pods: int = 1) -> Item:
    labels = {**plans.OWNED, plans.STEP_LABEL: step.name, plans.HASH_LABEL: step.hash}
    return {"kind": kind, "metadata": {"name": step.title, "labels": labels, "annotations": {plans.PODS: str(pods)}}}


def source(step: StepPlan, *items: Item) -> Item:
    """The ConfigMap with a step's objects."""
    return {"kind": "ConfigMap", "metadata": {"name": step.config_map}, "data": {"objects.json": json.dumps(items)}}


def made_step(name: str, *needs: str, version: str = "aaa", limit: float = 2 * HOUR) -> StepPlan:
    title = f"{name}-{version}"
    return StepPlan(name, version, f"step-{title}", f"digest-{title}", f"runs/r/{title}", needs, limit)


PREPARE = made_step("prepare")
TRAIN = made_step("train", "prepare")
BASELINE = made_step("baseline", "prepare")
REPORT = made_step("report", "train", "baseline")
PLAN = Plan("r", (PREPARE, TRAIN, BASELINE, REPORT), {one.name: one.folder for one in (PREPARE, TRAIN, BASELINE)}, HOUR)

SERVICE = {"kind": "Service", "metadata": {"name": TRAIN.title, "labels": job(TRAIN)["metadata"]["labels"]}}


@dataclass(slots=True)
class World:
    """A cluster, a shared volume, and what becomes of the steps in them."""

    shared: Path
    cluster: Cluster = field(default_factory=Cluster)

    def run(self, mark: str = "this") -> Run:
        return Run(PLAN, self.shared, self.cluster, mark, lambda: self.cluster.now)

    def mark_done(self, *steps: StepPlan) -> None:
        for step in steps:
            folder = self.shared / step.folder
            folder.mkdir(parents=True, exist_ok=True)
            folders.mark_done(folder)

    def turns(self, run: Run, number: int, seconds: float = 5) -> End | None:
        """So many turns, or fewer where one ends the run."""
        for _ in range(number):
            self.cluster.now += seconds
            end = run.turn()
            if end:
                return end
        return None

    def pods_run(self, name: str) -> list[Item]:
        item = self.cluster.step(name)
        pods = self.cluster.make_pods(item, int(item["metadata"]["annotations"][plans.PODS]))
        for pod in pods:
            runs(pod, self.cluster.now)
        return pods

    def ends(self, step: StepPlan, well: bool = True, marked: bool = True) -> None:
        item = self.cluster.step(step.name)
        item["status"] = OUTCOMES[item["kind"], well](stamp(self.cluster.now))
        for pod in self.cluster.pods(item):
            ends(pod, self.cluster.now, 0 if well else 1)
        if well and marked:
            self.mark_done(step)

    @property
    def steps(self) -> set[str]:
        return {item["metadata"]["labels"][plans.STEP_LABEL] for item in self.cluster.steps_there()}


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    for step in (PREPARE, BASELINE, REPORT):
        world.cluster.put(source(step, job(step)))
    world.cluster.put(source(TRAIN, SERVICE, job(TRAIN, pods=2)))
    return world


# --- what a run does


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


# --- what a killed run left, and what the API server refuses


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


# --- what Karpenter and AWS say


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


# --- turns until the end


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


# --- the last words


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


# --- whatever happens, in whatever order

LOOK_SECONDS = 30.0
GRACE_LOOKS = int(MARKER_GRACE_SECONDS / LOOK_SECONDS)
LIMIT_LOOKS, CAPACITY_LOOKS, MANY_LOOKS = 25, 30, 1500


@dataclass(frozen=True, slots=True)
class Try:
    """What becomes of one try at a step; times are in looks, and None is for ever."""

    waits: int | None = 1
    stuck: bool = False
    drains: int = 0
    """How often its pods are drained: then they are gone for some looks, and others wait in their place."""
    works: int | None = 2
    well: bool = True
    late: int | None = 0
    """How long after the work its marker is seen."""
    lingers: int = 0
    """How long its pods stay after the work."""

    @property
    def good(self) -> bool:
        late = self.late is not None and self.late <= GRACE_LOOKS
        return None not in (self.waits, self.works) and self.well and late and not self.stuck


@dataclass(frozen=True, slots=True)
class Mishap:
    """So many requests after the last one, a request fails, before or after it had its effect. It may be the run's end.

    `anew`: what goes on is another run, as after an update; `changes` is a step that this update changes.
    """

    gap: int
    after: bool
    kills: bool = False
    anew: bool = False
    changes: int | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    needs: tuple[frozenset[int], ...]
    kinds: tuple[str, ...]
    tries: tuple[tuple[Try, ...], ...]
    """Of each step; those that follow are good."""
    done: frozenset[int]
    first: int
    """Steps before this one are left out."""
    strays: tuple[Try, ...]
    mishaps: tuple[Mishap, ...]
    deletion_looks: int

    @property
    def chosen(self) -> range:
        return range(self.first, len(self.needs))


TRIES = st.builds(
    Try,
    waits=st.integers(0, 3) | st.none(),
    stuck=st.integers(0, 7).map(lambda number: number == 7),
    drains=st.integers(0, 2),
    works=st.integers(0, 5) | st.none(),
    well=st.integers(0, 3).map(lambda number: number < 3),
    late=st.integers(0, GRACE_LOOKS + 3) | st.none(),
    lingers=st.integers(0, 2 * LIMIT_LOOKS),
)


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    number = draw(st.integers(1, 4))
    indices = range(number)
    some_step = st.sampled_from(indices)
    mishap = st.builds(
        Mishap, st.integers(1, 60), st.booleans(), st.booleans(), st.booleans(), st.none() | st.none() | some_step
    )
    return Scenario(
        needs=tuple(
            draw(st.frozensets(st.sampled_from(range(one))) if one else st.just(frozenset())) for one in indices
        ),
        kinds=tuple(draw(st.sampled_from(STEP_KINDS)) for _ in indices),
        tries=tuple(tuple(draw(st.lists(TRIES, max_size=2))) for _ in indices),
        done=draw(st.just(frozenset()) | st.frozensets(some_step)),
        first=draw(st.just(0) | some_step),
        strays=tuple(draw(st.lists(TRIES, max_size=2))),
        mishaps=tuple(draw(st.lists(mishap, max_size=6))),
        deletion_looks=draw(st.integers(0, 3)),
    )


class KilledError(BaseException):
    """The run's process ends at this very point."""

    def __init__(self, mishap: Mishap):
        super().__init__()
        self.mishap = mishap


class Machines(Cluster):
    """A cluster in which steps work, wait, fail and are drained by themselves, one look after another.

    It watches over what a run may not do.
    """

    def __init__(self, scenario: Scenario, shared: Path):
        super().__init__()
        self.deletion_looks = scenario.deletion_looks
        self.each_look = self._look
        self.looks = 0
        self.shared = shared
        self.scenario = scenario
        self.versions = [0 for _ in scenario.needs]
        self.tried = [0 for _ in scenario.needs]
        self._lives: dict[str, Iterator[None]] = {}
        self._markers: list[tuple[int, int, StepPlan]] = []
        """When it is seen, when its work ended, and whose it is."""
        self._mishaps = iter(scenario.mishaps)
        self._next = next(self._mishaps, None)
        self._requests = 0
        for index, life in enumerate(scenario.strays):
            stray = made_step(f"step-{index}", version="old")
            super().put(job(stray))
            self._begin(self.items["Job", stray.title], stray, life)
        for index in scenario.done:
            self.mark_done(self.recipe[index])
        self.declare()

    @property
    def recipe(self) -> list[StepPlan]:
        """Every step as it now stands; where one changes so do those that need it."""
        found: list[StepPlan] = []
        for index, needs in enumerate(self.scenario.needs):
            version = "-".join([str(self.versions[index]), *(found[need].hash for need in sorted(needs))])
            names = (f"step-{need}" for need in sorted(needs))
            limit = LIMIT_LOOKS * LOOK_SECONDS
            found.append(made_step(f"step-{index}", *names, version=f"v{version}", limit=limit))
        return found

    @property
    def plan(self) -> Plan:
        steps = self.recipe
        chosen = [steps[index] for index in self.scenario.chosen]
        needed = {name for step in chosen for name in step.needs}
        folders_of = {step.name: step.folder for step in steps if step.name in needed}
        return Plan("r", tuple(chosen), folders_of, CAPACITY_LOOKS * LOOK_SECONDS)

    @property
    def blocked(self) -> bool:
        """Whether a step that is to come needs one that is left out and not done."""
        plan, by_name = self.plan, {step.name: step for step in self.recipe}
        needed = {name for step in plan.steps if not self.done(step) for name in step.needs if name not in plan.names}
        return not all(self.done(by_name[name]) for name in needed)

    def done(self, step: StepPlan) -> bool:
        return folders.is_done(self.shared / step.folder)

    def mark_done(self, step: StepPlan) -> None:
        folder = self.shared / step.folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / folders.MARKER).write_text(json.dumps({"files": {}}))

    def declare(self) -> None:
        """What an update does: the ConfigMaps of the chosen steps are there."""
        for index in self.scenario.chosen:
            step = self.recipe[index]
            if ("ConfigMap", step.config_map) not in self.items:
                self.put(source(step, job(step, self.scenario.kinds[index], pods=index % 2 + 1)))

    def change(self, index: int | None) -> None:
        if index is not None and index in self.scenario.chosen:
            self.versions[index] += 1
        self.declare()

    def put(self, item: Mapping[str, Any]) -> None:
        super().put(item)
        if item["kind"] not in STEP_KINDS:
            return
        made = self.items[item["kind"], item["metadata"]["name"]]
        index = next(one for one, step in enumerate(self.recipe) if step.title == made["metadata"]["name"])
        self._allow(made, self.recipe[index])
        tries = self.scenario.tries[index]
        what = tries[self.tried[index]] if self.tried[index] < len(tries) else Try()
        self.tried[index] += 1
        self._begin(made, self.recipe[index], what)

    def _allow(self, made: Item, step: StepPlan) -> None:
        """What holds whenever an object is made."""
        plan, by_name = self.plan, {one.name: one for one in self.recipe}
        others = [one["metadata"]["labels"] for one in self.steps_there() if one is not made]
        asked_for = {(one.name, one.hash) for one in plan.steps}
        assert all(one[plans.STEP_LABEL] != step.name for one in others), "two objects of one step"
        assert all((one[plans.STEP_LABEL], one[plans.HASH_LABEL]) in asked_for for one in others), "a stray is there"
        assert all(self.done(by_name[name]) for name in step.needs), "what it needs is not done"
        assert not self.done(step), "it is done"
        written = {one.folder for seen, ended, one in self._markers if seen - ended <= GRACE_LOOKS}
        assert step.folder not in written, "it is done, and its marker only late"

    def _begin(self, item: Item, step: StepPlan, what: Try) -> None:
        self._lives[item["metadata"]["uid"]] = self._live(item, step, what)

    def _live(self, item: Item, step: StepPlan, what: Try) -> Iterator[None]:
        number = int(item["metadata"]["annotations"][plans.PODS])
        yield
        pods = self.make_pods(item, number)
        yield from _looks(what.waits)
        if what.stuck:
            state = {"waiting": {"reason": "ErrImagePull"}}
            pods[0]["status"]["containerStatuses"] = [{"name": "step", "state": state}]
            yield from _looks(None)
        for _ in range(what.drains):
            pods = self._run(pods)
            yield from _looks(2)
            pods[0]["metadata"]["deletionTimestamp"] = stamp(self.now + LOOK_SECONDS)
            yield
            del self.items["Pod", pods[0]["metadata"]["name"]]
            yield
            self.make_pods(item, 1)
            yield
            pods = self.pods(item)
        self._run(pods)
        yield from _looks(what.works)
        if what.well and what.late is not None:
            self._markers.append((self.looks + what.late, self.looks, step))
        yield from _looks(what.lingers if what.well else 0)
        for pod in self.pods(item):
            ends(pod, self.now, 0 if what.well else 1)
        item["status"] = OUTCOMES[item["kind"], what.well](stamp(self.now))

    def _run(self, pods: Items) -> Items:
        for pod in pods:
            runs(pod, self.now)
        return pods

    def _look(self) -> None:
        self.looks += 1
        assert self.looks < MANY_LOOKS, "it does not end"
        self.now += LOOK_SECONDS
        for item in [*self.steps_there()]:
            if "deletionTimestamp" not in item["metadata"]:
                next(self._lives[item["metadata"]["uid"]], None)
        for marker in [one for one in self._markers if one[0] <= self.looks]:
            self._markers.remove(marker)
            self.mark_done(marker[2])

    def _serve(self, request: str, action: Callable[[], T]) -> T:
        self._requests += 1
        mishap = self._next
        if mishap is None or self._requests < mishap.gap:
            return super()._serve(request, action)
        self._requests, self._next = 0, next(self._mishaps, None)
        if mishap.after:
            super()._serve(request, action)
        raise KilledError(mishap) if mishap.kills else UnreachableError("cut off")


def _looks(number: int | None) -> Iterator[None]:
    while number is None or number > 0:
        yield
        number = None if number is None else number - 1


@given(scenarios())
@settings(max_examples=60, deadline=None)
def test_a_run_ends_however_often_it_is_killed_and_whatever_fails_and_starts_nothing_that_may_not_start(
    scenario: Scenario,
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        machines = Machines(scenario, Path(folder))
        bad_tries = sum(not one.good for tries in scenario.tries for one in tries)
        for number in range(bad_tries + 1):
            if _up(machines, number).ok or machines.blocked:
                return
        pytest.fail("it does not end well, though all that can fail has failed")


def _up(machines: Machines, number: int) -> End:
    """How the run of an update ends, or of another that takes its place; and what holds then."""
    mark, plan = f"run-{number}", machines.plan
    while True:
        try:
            run = Run(plan, machines.shared, machines, mark, lambda: machines.now)
            end = carry_out(run, interval=0)
            break
        except KilledError as killed:
            if killed.mishap.anew:
                machines.change(killed.mishap.changes)
                mark, plan = f"{mark}-anew", machines.plan
    done = all(machines.done(step) for step in plan.steps)
    assert end.ok == done, end.text
    going_on = [one for one in machines.steps_there() if "deletionTimestamp" not in one["metadata"]]
    assert all("status" in one for one in going_on), f"{end.text}: {going_on}"
    return end
