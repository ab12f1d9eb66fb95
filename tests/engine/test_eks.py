"""The platform `eks` from nothing, under the real engine: AWS, EKS and the cluster in it are doubles."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pulumi import automation as auto
from pulumi.automation.events import EngineEvent

from stacks.guarding import OVERRIDE

from .doubles.aws import Aws
from .doubles.eks import Eks
from .doubles.paper import Paper
from .stack import EngineStack, engine_stack, interrupt, skipping


@dataclass(slots=True)
class World:
    """A stack with the doubles that stand in for the rest of the world."""

    stack: EngineStack
    aws: Aws
    cluster: Paper

    def deleted(self) -> list[str]:
        """Destroys the stack; types and names in the order in which they went."""
        gone: list[str] = []

        def look(event: EngineEvent) -> None:
            if event.res_outputs_event and event.res_outputs_event.metadata.op.value == "delete":
                gone.append("::".join(event.res_outputs_event.metadata.urn.rsplit("::", 2)[1:]))

        self.stack.destroy(on_event=look)
        return gone


@pytest.fixture(params=["karpenter", "managed"])
def world(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv(OVERRIDE, "1")  # the paper's pods keep nothing
    aws, cluster = Aws(), Paper()
    doubles = {"aws": aws, "eks": Eks(), "kubernetes": cluster}
    with skipping(), engine_stack(tmp_path / "engine", "dev", doubles) as stack:
        stack.config.update(
            platform="eks",
            provisioner=request.param,
            parameters={"model": "open/llama", "tokenizer": "open/llama"},
            cluster={"publicAccessCidrs": ["198.51.100.7/32"]},
        )
        stack.others["aws:region"] = "us-west-2"
        yield World(stack, aws, cluster)


def left(world: World) -> set[str]:
    """What stays in AWS, by kind."""
    return {thing.kind for thing in world.aws.world.made()}


KEPT = {
    "s3.Bucket",
    "s3.BucketLifecycleConfiguration",
    "s3.BucketOwnershipControls",
    "s3.BucketPolicy",
    "s3.BucketPublicAccessBlock",
    "s3.BucketServerSideEncryptionConfiguration",
    "s3.BucketVersioning",
}
"""The results bucket and what keeps it safe."""


def place(gone: list[str], *parts: str) -> list[int]:
    """Where in the order those went whose type and name have `parts` in them."""
    found = [number for number, one in enumerate(gone) if all(part in one for part in parts)]
    assert found, f"nothing was deleted with {parts}"
    return found


def test_it_comes_up_stays_as_it_is_and_leaves_nothing_but_its_results(world: World) -> None:
    assert world.stack.preview().change_summary
    assert left(world) == set()
    outputs = world.stack.up().outputs
    assert outputs["kubeconfig"].value.startswith("aws eks update-kubeconfig --name trainyard-dev-")
    costs = outputs["costs"].value
    assert float(costs["hourWhileTraining"]) > float(costs["hourWhileIdle"]) > float(costs["hourAfterScaleDown"]) > 0.5
    assert float(costs["run"]) > float(costs["runMachines"]) > 0
    assert set(world.stack.up().summary.resource_changes or {}) == {"same"}
    gone = world.deleted()
    assert left(world) <= KEPT
    assert "s3.Bucket" in left(world)
    assert world.cluster.objects == {}
    assert max(place(gone, "Job", "run-job")) < min(place(gone, ":Namespace::namespace"))
    nodes = min(place(gone, ":NodePool::") if "karpenter" in str(world.stack.config) else place(gone, "training-group"))
    assert max(place(gone, ":Namespace::namespace")) < nodes
    assert nodes < min(place(gone, "eks-eksCluster"))
    assert max(place(gone, "eks-eksCluster")) < min(place(gone, ":Vpc::"))


def test_a_changed_learning_rate_touches_nothing_of_the_platform(world: World) -> None:
    world.stack.up()
    touched: list[str] = []

    def look(event: EngineEvent) -> None:
        if event.resource_pre_event and event.resource_pre_event.metadata.op.value != "same":
            touched.append(event.resource_pre_event.metadata.type)

    parameters = {**world.stack.config["parameters"], "learning_rate": 2e-5}
    world.stack.up(on_event=look, parameters=parameters)
    assert touched
    assert not [one for one in touched if one.startswith(("aws:", "eks:"))]


def after(count: int) -> Callable[[EngineEvent], None]:
    """Interrupts the engine when it has made so many resources."""
    made: list[Any] = []

    def look(event: EngineEvent) -> None:
        if event.res_outputs_event and event.res_outputs_event.metadata.op.value == "create":
            made.append(event)
            if len(made) == count:
                interrupt()

    return look


@pytest.mark.parametrize("count", [60, 120])
def test_a_half_made_stack_is_taken_up_by_the_next_update_or_destroyed(world: World, count: int) -> None:
    with suppress(auto.CommandError):
        world.stack.up(on_event=after(count))
    if count != 60:
        world.stack.up()
        assert set(world.stack.up().summary.resource_changes or {}) == {"same"}
    world.stack.destroy()
    assert left(world) <= KEPT
    assert world.cluster.objects == {}


@pytest.mark.parametrize("kind", ["fsx.LustreFileSystem", "eks.NodeGroup"])
def test_what_aws_refused_once_is_made_by_the_next_update(world: World, kind: str) -> None:
    world.aws.world.fail(kind, "InsufficientCapacity: a fault made on purpose")
    with pytest.raises(auto.CommandError, match="InsufficientCapacity"):
        world.stack.up()
    world.stack.up()
    assert set(world.stack.up().summary.resource_changes or {}) == {"same"}


def test_another_answer_of_aws_moves_nothing_that_stands(world: World) -> None:
    world.stack.up()
    (before,) = world.aws.answers.offers["trn1.32xlarge"]
    world.aws.answers.offers["trn1.32xlarge"] = [zone for zone in world.aws.answers.zones if zone != before]
    assert set(world.stack.up().summary.resource_changes or {}) == {"same"}
