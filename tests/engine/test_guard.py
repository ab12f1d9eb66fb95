"""A destroy that would lose the newest run, under the real engine: refused before it begins, or overridden."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pulumi import automation as auto

from stacks import guarding
from tests.buckets import bucket
from workloads.programs import manifest, store
from workloads.programs.manifest import Manifest

from .doubles.paper import Paper
from .stack import EngineStack, engine_stack, skipping

RECIPE = "llama3-8b-text-to-sql"


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """What s3://results holds, as a folder."""
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.delenv(guarding.OVERRIDE, raising=False)
    with bucket("results", tmp_path / "bucket") as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        yield tmp_path / "bucket"


@dataclass(slots=True)
class World:
    stack: EngineStack
    cluster: Paper
    target: Path

    def kept(self, hashes: dict[str, str]) -> None:
        """Does what the step `keep` of the newest run would have done."""
        made = Manifest("test", RECIPE, hashes["keep"], "2026-11-21T10:00:00+00:00", {}, {})
        file = self.stack.folder / "manifest.json"
        file.write_text(made.text())
        store.at(str(self.target)).put(file, made.place + manifest.FILE)

    def refused(self) -> str:
        """What a destroy says that deletes nothing."""
        before, objects = self.stack.resources(), dict(self.cluster.objects)
        with pytest.raises(auto.CommandError) as error:
            self.stack.destroy()
        assert self.stack.resources() == before
        assert self.cluster.objects == objects
        return str(error.value)

    def destroyed(self) -> None:
        self.stack.destroy()
        assert self.stack.resources() == []
        assert self.cluster.objects == {}


@pytest.fixture
def world(tmp_path: Path, target: Path) -> Iterator[World]:
    """A cluster of somebody's own, with a claim that goes with the stack, and results that go to S3."""
    (tmp_path / "kubeconfig").write_text("{}")
    cluster = Paper()
    with skipping(), engine_stack(tmp_path / "engine", "test", {"kubernetes": cluster}) as stack:
        stack.config.update(
            platform="existing",
            existing={"kubeconfig": str(tmp_path / "kubeconfig"), "storageClass": "fsx"},
            results={"keep": False, "target": "s3://results"},
            images={"neuron-training": "registry.test/neuron-training:1"},
            parameters={"model": "open/llama", "tokenizer": "open/llama"},
        )
        yield World(stack, cluster, target)


def test_a_run_that_is_not_kept_stops_a_destroy_before_anything_is_deleted_until_it_is_overridden(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes = world.stack.up().outputs["steps"].value
    assert set(world.stack.up().summary.resource_changes or {}) == {"same"}
    said = world.refused()
    assert f"The newest run of {RECIPE}, {hashes['keep']}, is not kept" in said
    assert f"{guarding.OVERRIDE}=1 pulumi destroy" in said
    assert "Traceback" not in said
    monkeypatch.setenv(guarding.OVERRIDE, "1")
    world.destroyed()


def test_a_run_that_is_kept_is_destroyed_plainly(world: World) -> None:
    world.kept(world.stack.up().outputs["steps"].value)
    world.destroyed()


def test_it_is_the_newest_run_that_counts(world: World) -> None:
    world.kept(world.stack.up().outputs["steps"].value)
    hashes = world.stack.up(parameters={**world.stack.config["parameters"], "learning_rate": 2e-5}).outputs["steps"]
    assert hashes.value["keep"] in world.refused()
    world.kept(hashes.value)
    world.destroyed()


def test_where_nobody_can_be_asked_the_destroy_stops_and_says_why(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.kept(world.stack.up().outputs["steps"].value)
    with monkeypatch.context() as gone:
        gone.delenv("AWS_ACCESS_KEY_ID")
        gone.delenv("AWS_SECRET_ACCESS_KEY")
        gone.setenv("AWS_EC2_METADATA_DISABLED", "true")
        gone.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
        gone.setenv("AWS_CONFIG_FILE", "/nowhere")
        assert "there are no AWS credentials" in world.refused()
    world.destroyed()


def test_a_run_that_was_never_begun_holds_up_nothing(world: World) -> None:
    world.stack.up(steps={"to": "prepare"})
    world.destroyed()


def test_a_run_that_failed_is_guarded_as_well(world: World) -> None:
    world.cluster.failing.add("Job")
    with pytest.raises(auto.CommandError, match="made on purpose"):
        world.stack.up()
    held = {one for one in world.cluster.objects if one[0].endswith((":Namespace", ":PersistentVolumeClaim"))}
    with pytest.raises(auto.CommandError, match="is not kept"):
        world.stack.destroy()
    assert len(held) == 2
    assert held <= set(world.cluster.objects)


def test_what_never_got_as_far_as_a_step_holds_up_nothing(world: World) -> None:
    world.cluster.failing.add("PersistentVolumeClaim")
    with pytest.raises(auto.CommandError, match="made on purpose"):
        world.stack.up()
    world.destroyed()
