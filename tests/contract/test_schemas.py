"""Inputs have the types that their SDKs declare, and custom resources pass the schemas of their definitions."""

from typing import Any

import pytest

from stacks.recorder import Recorded
from tests.components.crds import definition, faults, needs_definitions
from tests.engine.doubles import aws_types
from tests.engine.doubles.provider import marshal, unmarshal

from .breaking import edited
from .graphs import EKS, graph

GROUPS = ("karpenter.sh", "karpenter.k8s.aws", "ray.io", "kubeflow.org", "volcano.sh")
"""Whose definitions there are."""
SOME = [name for name in EKS if "text-to-sql-1" in name or "extras" in name or "no-efa" in name]


def customs(resources: list[Recorded]) -> list[Recorded]:
    return [one for one in resources if str(one.inputs.get("apiVersion", "")).partition("/")[0].endswith(GROUPS)]


def plain(one: Recorded) -> dict[str, Any]:
    """A resource's inputs with integers: the wire knows floats only."""
    return unmarshal(marshal(one.inputs))


def wrong(one: Recorded) -> list[str]:
    schema = definition(one.inputs["kind"], one.inputs["apiVersion"].partition("/")[2])
    given = {key: value for key, value in plain(one).items() if key in ("spec", "status")}
    known = {key: value for key, value in schema["properties"].items() if key in ("spec", "status")}
    return [*faults(given, {"type": "object", "properties": known, "required": ["spec"]}, one.name)]


@needs_definitions
@pytest.mark.parametrize("name", SOME)
def test_custom_resources_pass_their_schemas(name: str) -> None:
    found = customs(graph(name).resources)
    assert len(found) == (4 if "karpenter" in name else 0)
    assert [sentence for one in found for sentence in wrong(one)] == []


@needs_definitions
def test_a_field_that_a_definition_does_not_know_is_found() -> None:
    change = edited("pools-trainium-pool", lambda inputs: inputs["spec"].update(limit={}))
    assert any(
        "limit is unknown" in sentence for one in customs(change(graph(SOME[0])).resources) for sentence in wrong(one)
    )


def problems(resources: list[Recorded]) -> list[str]:
    typed = [one for one in resources if one.type.startswith(("aws:", "eks:"))]
    return [f"{one.name}: {path} {why}" for one in typed for path, why in aws_types.problems(one.type, plain(one))]


@pytest.mark.parametrize("name", SOME)
def test_inputs_have_the_types_that_the_sdks_declare(name: str) -> None:
    assert problems(graph(name).resources) == []


def test_an_input_of_a_wrong_type_is_found() -> None:
    change = edited("network-vpc", lambda inputs: inputs.update(cidrBlock=7, cidrBlok="x"))
    assert len(problems(change(graph(SOME[0])).resources)) == 2
