"""With a mirror nothing is pulled from anywhere else."""

import json
import re
from collections.abc import Callable

import pytest

from components.operators.efa import EfaPlugin, EfaPluginArgs
from components.operators.kuberay import KubeRay, KubeRayArgs
from components.operators.mpi import MpiOperator, MpiOperatorArgs
from components.operators.neuron import NeuronPlugin, NeuronPluginArgs
from components.operators.volcano import Volcano, VolcanoArgs
from tests.components.recorded import recorded

MIRROR = "registry.example/yard"
PUBLIC = re.compile(r"[\w.-]+\.(?:ecr\.aws|io|amazonaws\.com|github\.io|githubusercontent\.com)/")

OPERATORS: dict[str, Callable[[str | None], object]] = {
    "neuron": lambda mirror: NeuronPlugin("x", NeuronPluginArgs(mirror=mirror, scheduler_extension=True)),
    "efa": lambda mirror: EfaPlugin("x", EfaPluginArgs(mirror=mirror)),
    "kuberay": lambda mirror: KubeRay("x", KubeRayArgs(mirror=mirror)),
    "volcano": lambda mirror: Volcano("x", VolcanoArgs(mirror=mirror)),
    "mpi": lambda mirror: MpiOperator("x", MpiOperatorArgs(mirror=mirror, definition="mpijobs.yaml")),
}


def requests(name: str, mirror: str | None) -> str:
    recording = recorded(lambda: OPERATORS[name](mirror))
    said = [dict(one.inputs) for one in recording.resources]
    # label prefixes look like hosts, and are none
    return re.sub(r"(kubernetes|k8s)\.io/", "", json.dumps(said))


@pytest.mark.parametrize("name", OPERATORS)
def test_a_mirror_leaves_no_public_registry_in_any_request(name: str) -> None:
    assert not PUBLIC.findall(requests(name, MIRROR))
    assert MIRROR in requests(name, MIRROR)


@pytest.mark.parametrize("name", OPERATORS)
def test_without_one_each_takes_from_its_makers_registry(name: str) -> None:
    assert "registry.example" not in requests(name, None)
