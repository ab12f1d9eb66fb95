"""The critical path, walked over what the program really asks for."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from stacks import durations
from stacks.critical_path import CriticalPath, Task, critical_path, graph, longest, needed_for, waits_for, without
from stacks.durations import Typical
from tests.stacks import planned as plans
from tests.stacks.planned import Planned

BOTH = pytest.mark.parametrize("stack", [plans.dev, plans.managed])
Stack = Callable[[], Planned]


def told(stack: Planned) -> CriticalPath:
    path = critical_path(stack.resources, stack.run)
    assert path is not None
    return path


def before(stack: Planned, target: str) -> set[str]:
    """All that must be over before what is called or keyed `target` is: resources by name, parts of steps by key."""
    tasks = graph(stack.resources, stack.run)
    (key,) = [
        one.key
        for one in tasks.values()
        if target == one.key or (one.name == target and not one.key.split("$")[-1].startswith("trainyard:"))
    ]
    needed = needed_for(tasks, key) - {key}
    return {one if one.startswith("step ") else tasks[one].name for one in needed}


def tasks(**minutes: tuple[float, str]) -> Mapping[str, Task]:
    return {name: Task(name, name, Typical(time, "made up"), tuple(after)) for name, (time, after) in minutes.items()}


def test_the_longest_chain_is_taken_and_its_minutes_add_up() -> None:
    path = longest(tasks(a=(1, ""), b=(5, "a"), c=(2, "a"), d=(1, "bc"), e=(9, "")), "d")
    assert [(link.name, link.began) for link in path.links] == [("a", 0), ("b", 1), ("d", 6)]
    assert path.minutes == 7


def test_what_is_left_out_takes_no_time_and_still_waits() -> None:
    path = longest(without(tasks(a=(1, ""), b=(5, "a"), c=(2, "b")), {"b"}), "c")
    assert [link.name for link in path.links] == ["a", "c"]
    assert path.minutes == 3


@BOTH
def test_a_trainium_container_starts_within_25_minutes_and_15_percent_of_what_is_unavoidable(stack: Stack) -> None:
    path = told(stack())
    assert path.container.minutes <= 25
    assert path.excess <= 0.15


@BOTH
def test_the_path_is_one_chain_without_a_gap(stack: Stack) -> None:
    links = told(stack()).container.links
    ends = [link.began + link.minutes for link in links]
    assert links[0].began == 0
    assert [link.began for link in links[1:]] == pytest.approx(ends[:-1])


def test_preparing_and_compiling_come_on_top() -> None:
    path = told(plans.dev())
    assert path.container.minutes < path.with_image < path.warm < path.cold


def test_an_image_that_is_given_need_not_be_built() -> None:
    path = told(plans.planned(images={"neuron-training": "example.com/training:1"}))
    assert path.with_image == pytest.approx(path.container.minutes)


@BOTH
def test_preparation_waits_for_no_trainium_node(stack: Stack) -> None:
    for target in ("step prepare: work", "image-neuron-training-job"):
        assert "step train: node" not in before(stack(), target)


@BOTH
def test_a_trainium_node_waits_for_all_that_its_step_reads(stack: Stack) -> None:
    assert {"step prepare: work", "run-job"} <= before(stack(), "step train: node")


@BOTH
@pytest.mark.parametrize(
    "what", ["prometheus-chart", "logs-chart", "tensorboard-deployment", "addons-metrics-server-addon"]
)
def test_nothing_of_a_run_waits_for_what_only_a_person_needs(stack: Stack, what: str) -> None:
    for target in ("step test: work", "image-neuron-training-job"):
        assert what not in before(stack(), target)


@BOTH
def test_preparation_and_images_wait_for_no_device_plugin(stack: Stack) -> None:
    for target in ("step prepare: work", "image-neuron-training-job"):
        assert not {"neuron-chart", "efa-chart"} & before(stack(), target)


@BOTH
def test_the_file_system_and_the_control_plane_come_to_be_side_by_side(stack: Stack) -> None:
    assert "cluster-eks" not in before(stack(), "files-lustre")
    assert "files-lustre" not in before(stack(), "core-group")


@BOTH
def test_a_dependency_is_seen_whether_by_a_property_a_parent_a_provider_or_an_option(stack: Stack) -> None:
    recorded = {one.name: one for one in stack().resources if not one.type.startswith("trainyard:")}
    names = {one.urn: one.name for one in stack().resources}

    def direct(name: str) -> set[str]:
        return {names[urn] for urn in waits_for(recorded[name]) if urn in names}

    assert "network-vpc" in direct("network-private-1")
    assert "network" in direct("network-private-1")
    assert "cluster-kubernetes" in direct("namespace")
    assert "train-manifest" not in direct("run-job")
    assert "train-manifest" in before(stack(), "run-job")


@BOTH
def test_each_type_has_a_typical_time_or_its_packages_default_each_with_a_source(stack: Stack) -> None:
    for one in stack().resources:
        assert durations.typical(one.type).source
    with pytest.raises(KeyError):
        durations.typical("random:index:Password")


@BOTH
def test_all_that_others_wait_for_was_recorded(stack: Stack) -> None:
    made = {one.urn for one in stack().resources}
    missing = {urn for one in stack().resources for urn in waits_for(one) if urn not in made}
    assert all(urn.endswith("::trainyard-dev") or "pulumi:providers" in urn for urn in missing), missing


def test_a_run_without_trainium_has_no_such_path() -> None:
    stack = plans.dev()
    steps = tuple(step for step in stack.run.chosen if step.name == "prepare")
    assert critical_path(stack.resources, replace(stack.run, chosen=steps)) is None
    assert critical_path([], stack.run) is None


def test_a_step_that_compiles_costs_the_way_to_training_no_second_machine() -> None:
    """Its time is in the way once; a run that leaves it out compiles as it trains, for as long."""
    stack = plans.dev()
    without_it = replace(stack.run, chosen=tuple(step for step in stack.run.chosen if step.name != "compile"))
    path, other = told(stack), critical_path(stack.resources, without_it)
    assert other is not None
    assert path.cold == pytest.approx(other.cold)
    assert path.warm == pytest.approx(other.warm)
    saved = durations.COMPILE_COLD.minutes - durations.COMPILE_WARM.minutes
    assert path.cold - path.warm == pytest.approx(saved)
