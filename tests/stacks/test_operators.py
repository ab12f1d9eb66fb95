"""Operators are there where a step asks for their launcher, before it, and gone after it; and nowhere else."""

import json
from typing import Any

import pytest

from stacks.operators import capability
from stacks.recorder import Recording
from tests.components.crds import definition, faults, needs_definitions
from tests.components.recorded import only, waits_for
from tests.contract.contract import violations
from tests.contract.graphs import EXTRAS, MINE, PARAMETERS, settings, stood_up
from tests.contract.offers import given
from tests.workloads.launchers.gangs import launched, recipe
from workloads.recipes import RECIPES

COMPONENTS = {"Volcano", "KubeRay", "Queue", "MpiOperator"}


@pytest.fixture(params=["ray", "mpi"])
def launcher(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    for name in ("ray", "mpi"):
        monkeypatch.setitem(RECIPES, f"made-up-{name}", recipe(name))
    return request.param


def values(launcher: str, **more: Any) -> dict[str, Any]:
    nodes = {"instanceType": "trn1.32xlarge", "count": 2}
    return {"platform": "eks", "recipe": f"made-up-{launcher}", "parameters": PARAMETERS, "nodes": nodes, **more}


def on_existing(launcher: str, *operators: str) -> dict[str, Any]:
    images = {"neuron-training": "registry.example.com/neuron-training:1"}
    return values(launcher, platform="existing", existing={**MINE, "operators": list(operators)}, images=images)


def components(recording: Recording) -> set[str]:
    own = (one.type for one in recording.resources if one.type.startswith("trainyard:components:"))
    return {kind.rpartition(":")[2] for kind in own} & COMPONENTS


def manifest(recording: Recording, step: str) -> dict[str, Any]:
    return json.loads(only(recording, "ConfigMap", f"{step}-manifest").inputs["data"]["objects.json"])[-1]


NEEDED = {"ray": {"Volcano", "KubeRay", "Queue"}, "mpi": {"MpiOperator"}}
LAST = {"ray": {"kuberay-chart", "gangs-queue", "volcano-chart"}, "mpi": {"mpi-deployment"}}


def test_on_eks_they_come_with_the_steps_that_need_them(launcher: str) -> None:
    recording = stood_up(values(launcher, **EXTRAS))
    assert components(recording) == NEEDED[launcher]
    assert waits_for(recording, "train-manifest") >= LAST[launcher]
    assert not waits_for(recording, "prepare-manifest") & LAST[launcher]
    assert violations(recording, given(settings(values(launcher, **EXTRAS)))) == []


def test_they_stay_where_only_other_steps_are_chosen(launcher: str) -> None:
    """Of a step that an earlier update left running they alone can take off the finalizer."""
    assert components(stood_up(values(launcher, steps={"from": "consolidate"}))) == NEEDED[launcher]


def test_no_other_recipe_brings_any() -> None:
    recording = stood_up({"platform": "eks", "parameters": PARAMETERS})
    assert components(recording) == set()
    assert "rayDashboard" not in recording.outputs


def test_the_queue_is_the_one_that_the_job_names_and_goes_before_volcano(launcher: str) -> None:
    recording = stood_up(values("ray"))
    made = only(recording, "Queue", "gangs-queue").inputs
    assert manifest(recording, "train")["metadata"]["labels"]["volcano.sh/queue-name"] == made["metadata"]["name"]
    assert "volcano-chart" in waits_for(recording, "gangs-queue")
    assert made["spec"]["capability"]["aws.amazon.com/neuron"] == "32"


@needs_definitions
def test_the_queue_passes_the_schema_of_its_definition(launcher: str) -> None:
    spec = only(stood_up(values("ray")), "Queue", "gangs-queue").inputs["spec"]
    assert list(faults({**spec, "weight": 1}, definition("Queue", "v1beta1")["properties"]["spec"])) == []


def test_a_queue_grows_with_the_nodes() -> None:
    two, four = (capability([launched("ray", nodes=nodes).step]) for nodes in (2, 4))
    assert int(four["aws.amazon.com/neuron"]) == 2 * int(two["aws.amazon.com/neuron"])
    assert int(four["memory"].removesuffix("Gi")) > 1600


@pytest.mark.parametrize(("operators", "queues"), [(["kuberay"], 0), (["kuberay", "volcano"], 1)])
def test_on_existing_nothing_is_installed_but_a_queue_where_volcano_is(
    launcher: str, operators: list[str], queues: int
) -> None:
    recording = stood_up(on_existing("ray", *operators))
    assert components(recording) == ({"Queue"} if queues else set())
    labels = manifest(recording, "train")["metadata"]["labels"]
    assert ("volcano.sh/queue-name" in labels) == bool(queues)


def test_stop_reaches_every_kind_of_step(launcher: str) -> None:
    outputs = stood_up(values(launcher)).outputs
    assert f" delete jobs,{launcher}jobs --selector trainyard.dev/step" in outputs["stop"]
    assert "--max-log-requests" in outputs["logs"]


def test_the_ray_dashboard_is_reached_by_port_forward_and_its_token_is_in_no_output(launcher: str) -> None:
    recording = stood_up(values("ray"))
    name = manifest(recording, "train")["metadata"]["name"]
    forward = recording.outputs["rayDashboard"]["train"]
    assert forward.endswith(f" port-forward service/{name}-head-svc 8265")
    assert recording.outputs["rayToken"].endswith("printenv RAY_AUTH_TOKEN")
    assert "rayDashboard" not in stood_up(values("mpi")).outputs
