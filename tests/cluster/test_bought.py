"""A gang that begins with no node: the real Karpenter, KubeRay and Volcano, and kwok for the machines it buys."""

from collections.abc import Iterator, Mapping

import pytest

from tests.engine.stack import EngineStack, skipping

from .conftest import eventually
from .control_plane import ControlPlane
from .dashboards import dashboards
from .karpenter import bought, karpenter, limit, pool
from .kubelet import Kubelet
from .nodes import none_to_train_on
from .operators import kuberay, volcano
from .test_existing import once_each, ran
from .test_gangs import STEPS, on_ray

pytestmark = pytest.mark.tier("gangs")


@pytest.fixture(scope="module", autouse=True)
def _operators(
    plane: ControlPlane, machines: Kubelet, operators: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("bought")
    with (
        skipping(),
        none_to_train_on(plane, machines.port),
        volcano(plane, folder),
        dashboards(machines) as proxy,
        kuberay(plane, folder, proxy),
        karpenter(plane, folder),
    ):
        yield


@pytest.fixture
def limits(plane: ControlPlane) -> Iterator[Mapping[str, str]]:
    with pool(plane) as own:
        yield own


@pytest.mark.usefixtures("limits")
def test_a_gang_buys_its_nodes_and_they_go_when_the_recipe_has_ended(
    stack: EngineStack, machines: Kubelet, namespace: str, plane: ControlPlane
) -> None:
    assert bought(plane) == []
    on_ray(stack).up()
    assert once_each(ran(machines, namespace)) == STEPS
    eventually(lambda: bought(plane) == [], 120)


def test_a_gang_waits_for_a_node_that_could_not_be_had_at_once_and_then_begins(
    stack: EngineStack, machines: Kubelet, namespace: str, plane: ControlPlane, limits: Mapping[str, str]
) -> None:
    limit(plane, {"nodes": "1", "aws.amazon.com/neuron": "16"})
    on_ray(stack).up(wait=False)
    eventually(lambda: len(bought(plane)) == 1, 120)
    assert "compile" not in ran(machines, namespace)
    limit(plane, limits)
    stack.up(wait=True)
    assert once_each(ran(machines, namespace)) == STEPS
