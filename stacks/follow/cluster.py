"""Following a run in a cluster: four lists and three reads a look, none of which changes anything."""

import json
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from workloads.programs import journal
from workloads.programs.run import plan as plans
from workloads.programs.run.api import RefusedError
from workloads.programs.run.decide import View, told_done
from workloads.programs.run.states import OUTCOMES, Phase, Seen, seen

from .laptop import Laptop
from .picture import Heard, Moment, Sight, Verdict, current, infer_done, objects

RUN = "trainyard-run"
"""The run's Job: components/run.py gives it this name. Importing that would load Pulumi."""

PLAN_VOLUME, PLAN_FILE = "plan", "plan.json"
KEPT = 400
"""Moments of progress that are kept of a step, also when its log is rotated away."""

Json = Mapping[str, Any]


class Cluster:
    """A source of sights: the run in a namespace."""

    def __init__(self, api: Laptop, clock: Callable[[], float] = time.time):
        self._api, self._clock = api, clock
        self._plans: dict[str, plans.Plan] = {}
        self._told: tuple[str, set[str]] = "", set()
        self._moments: tuple[str, dict[float, Moment]] = "", {}

    def look(self) -> Sight:
        """What there is now; RefusedError, UnreachableError and UserError where that cannot be told."""
        where = f"namespace {self._api.namespace} of {self._api.host}"
        run = self._run()
        pods = self._api.list("Pod")
        there = self._objects(pods)
        if run is None:
            text = f"there is no run in namespace {self._api.namespace} yet: `pulumi up` makes it"
            return Sight(where, None, View((), {}, "", self._clock()), Verdict(text))
        plan = self._plan(run)
        mine = [pod for pod in pods if _labels(pod).get("batch.kubernetes.io/job-name") == RUN]
        verdict = _verdict(run, mine)
        done = infer_done(plan, there, self._told_done(plan, run, mine), verdict.ok is True)
        problems = {step.name: None if step.name in done else "is not known to be done" for step in plan.steps}
        view = View(tuple(there), problems, run["metadata"]["uid"], self._clock())
        return Sight(where, plan, view, verdict, self._hear(plan, view))

    def _run(self) -> Json | None:
        try:
            return self._api.get("Job", RUN)
        except RefusedError as error:
            if error.status == 404:
                return None
            raise

    def _objects(self, pods: Sequence[Json]) -> list[Seen]:
        by_step: dict[tuple[str, str], list[Json]] = defaultdict(list)
        for pod in pods:
            by_step[_identity(pod)].append(pod)
        return [seen(item, by_step[_identity(item)]) for item in self._api.steps()]

    def _plan(self, run: Json) -> plans.Plan:
        """What the run carries out. Its ConfigMap never changes, so each is read once."""
        volumes = {one["name"]: one for one in run["spec"]["template"]["spec"]["volumes"]}
        name = volumes[PLAN_VOLUME]["configMap"]["name"]
        if name not in self._plans:
            self._plans[name] = plans.parse(json.loads(self._api.get("ConfigMap", name)["data"][PLAN_FILE]))
        return self._plans[name]

    def _told_done(self, plan: plans.Plan, run: Json, pods: Sequence[Json]) -> set[str]:
        """The steps that the run said to be done; what it once said stands, also when its log is gone."""
        uid = run["metadata"]["uid"]
        known = self._told[1] if self._told[0] == uid else set[str]()
        lines = self._lines(pods, "run") if pods else []
        found = known.union(*(told_done(text, plan) for _, text in lines))
        self._told = uid, found
        return found

    def _hear(self, plan: plans.Plan, view: View) -> Heard:
        """What the current step's telling pod says."""
        name = current(plan, view)
        if name is None:
            return Heard()
        one = objects(plan, view)[name]
        lines = self._lines(sorted(one.pods, key=_tells), "step")
        known = self._moments[1] if self._moments[0] == one.name else {}
        for at, text in lines:
            progress = journal.heard(text)
            if progress:
                known[at] = Moment(at, progress)
        kept = dict(sorted(known.items())[-KEPT:])
        self._moments = one.name, kept
        return Heard(tuple(kept.values()), tuple(text for _, text in lines))

    def _lines(self, pods: Sequence[Json], container: str) -> list[tuple[float, str]]:
        """Time and text of the last lines of the first pod that has begun to run; none where none has."""
        begun = (pod for pod in pods if (pod.get("status") or {}).get("phase") not in (None, "Pending"))
        pod = next(begun, None)
        if pod is None:
            return []
        names = [one["name"] for one in pod["spec"]["containers"]]
        chosen = container if container in names else names[0]  # an operator's own pod names its container otherwise
        return [parted for line in self._api.log_lines(pod["metadata"]["name"], chosen) if (parted := _parted(line))]


def _labels(item: Json) -> dict[str, str]:
    return item["metadata"].get("labels") or {}


def _identity(item: Json) -> tuple[str, str]:
    return _labels(item).get(plans.STEP_LABEL, ""), _labels(item).get(plans.HASH_LABEL, "")


def _tells(pod: Json) -> tuple[bool, int, int, str]:
    """The order in which pods are asked: those that live first, and of them the one whose first process reports."""
    labels = _labels(pod)
    ended = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
    launches = labels.get("training.kubeflow.org/job-role") == "launcher" or "job-name" in labels
    return ended, 0 if launches else 1, int(labels.get(INDEX, "0")), pod["metadata"]["name"]


INDEX = "batch.kubernetes.io/job-completion-index"


def _parted(line: str) -> tuple[float, str] | None:
    """Time and text of a line as the kubelet hands it out; None for half a line."""
    stamp, _, text = line.partition(" ")
    try:
        return datetime.fromisoformat(stamp).timestamp(), text
    except ValueError:
        return None


def _verdict(run: Json, pods: Sequence[Json]) -> Verdict:
    """How the run stands, by its Job; where it has ended, in the words that its pod left."""
    outcome = OUTCOMES["Job"](run.get("status") or {})
    if outcome is None:
        started = any((pod.get("status") or {}).get("phase") == "Running" for pod in pods)
        return Verdict("it goes on" if started else "the run's own pod has not started yet")
    said = next(filter(None, map(_last_words, reversed(pods))), outcome.reason)
    ok = outcome.phase is Phase.SUCCEEDED
    return Verdict(said.partition("\n")[0] if ok else said, ok)


def _last_words(pod: Json) -> str:
    states = ((one.get("state") or {}).get("terminated") or {} for one in _statuses(pod))
    return next((state["message"].strip() for state in states if state.get("message")), "")


def _statuses(pod: Json) -> list[Json]:
    return (pod.get("status") or {}).get("containerStatuses") or []
