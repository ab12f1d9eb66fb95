"""Whatever happens, in whatever order: a run ends, and starts nothing that may not start."""

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workloads.programs.run.world import (
    OUTCOMES,
    Cluster,
    Item,
    Items,
    T,
    ends,
    job,
    made_step,
    runs,
    source,
    stamp,
)
from workloads.programs import folders
from workloads.programs.run import plan as plans
from workloads.programs.run.api import STEP_KINDS, UnreachableError
from workloads.programs.run.decide import MARKER_GRACE_SECONDS, End
from workloads.programs.run.main import Run, carry_out
from workloads.programs.run.plan import Plan, StepPlan

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
