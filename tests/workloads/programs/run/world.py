"""A cluster in memory for runs: an API server that refuses, loses answers and takes its time."""

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from workloads.programs import folders
from workloads.programs.run import plan as plans
from workloads.programs.run.api import STEP_KINDS, Api, RefusedError
from workloads.programs.run.decide import End
from workloads.programs.run.main import Run
from workloads.programs.run.plan import Plan, StepPlan

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
        found = (item for (kind, _), item in self.items.items() if kind in STEP_KINDS)
        yield from (item for item in found if plans.STEP_LABEL in item["metadata"]["labels"])

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
