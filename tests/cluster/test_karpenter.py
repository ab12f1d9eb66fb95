"""Training on nodes that the real Karpenter buys, by the project's own pool."""

from collections.abc import Iterator

import pytest
from pulumi import automation as auto

from tests.engine.stack import EngineStack, skipping

from .conftest import eventually
from .control_plane import ControlPlane
from .karpenter import bought, karpenter, pool
from .kubelet import Behaviour, Kubelet
from .nodes import none_to_train_on
from .test_existing import STEPS, once_each, ran

pytestmark = pytest.mark.tier("operators")


@pytest.fixture(scope="module", autouse=True)
def _karpenter(
    plane: ControlPlane, machines: Kubelet, operators: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("karpenter")
    with skipping(), none_to_train_on(plane, machines.port), karpenter(plane, folder), pool(plane):
        yield


def test_training_buys_the_nodes_it_needs_and_they_go_when_the_recipe_has_ended(
    stack: EngineStack, machines: Kubelet, namespace: str, plane: ControlPlane
) -> None:
    assert bought(plane) == []
    stack.up(nodes={"count": 2})
    assert once_each(ran(machines, namespace)) == STEPS
    eventually(lambda: bought(plane) == [], 120)


def test_no_more_nodes_are_bought_than_the_settings_allow(
    stack: EngineStack, machines: Kubelet, namespace: str, plane: ControlPlane
) -> None:
    machines.steps["compile"] = Behaviour(None)  # none begins before all are there
    with pytest.raises(auto.CommandError, match="trainyard:capacityTimeout"):
        stack.up(nodes={"count": 3}, capacityTimeout="0.4m")
    assert ran(machines, namespace).count("compile") == 2
