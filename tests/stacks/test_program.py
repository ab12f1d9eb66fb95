"""The program, under the recorder: mistakes come before any resource, and each step is one command."""

from collections.abc import Callable
from typing import Any

import pytest

from stacks import rehearsal
from stacks.config import RawConfig
from stacks.program import stand_up
from stacks.recorder import Recording, record
from tests.stacks.planned import planned
from workloads.recipes import RECIPES, hashing

Config = Callable[..., RawConfig]
COMMAND = "command:local:Command"


def recorded(raw: RawConfig, *, preview: bool = True) -> Recording:
    return record(stand_up, raw, "test", preview=preview)


def commands(recording: Recording) -> dict[str, dict[str, Any]]:
    """The local commands by the step that they carry out."""
    return {one.name.removesuffix("-command"): dict(one.inputs) for one in recording.resources if one.type == COMMAND}


def test_mistakes_are_told_before_any_resource_is_registered(config: Config) -> None:
    recording = recorded(config(platform="local", recpe="x", parameters={"max_step": 1}))
    assert recording.resources == []
    assert recording.error
    assert len(recording.error.splitlines()) == 2


def test_each_step_is_one_command_that_runs_again_when_its_hash_changes(config: Config) -> None:
    recipe = RECIPES["llama3-8b-text-to-sql"]
    parameters = recipe.rehearsal()
    hashes = hashing.hashes(recipe.whole(recipe.steps(parameters, None)))
    made = commands(recorded(config(platform="local")))
    assert {step: inputs["triggers"] for step, inputs in made.items()} == {step: [one] for step, one in hashes.items()}


def test_destroying_a_step_runs_nothing_so_that_results_stay(config: Config) -> None:
    assert not [inputs for inputs in commands(recorded(config(platform="local"))).values() if "delete" in inputs]


def test_a_steps_command_waits_for_the_steps_that_it_reads_from(config: Config) -> None:
    recording = recorded(config(platform="local"))
    waits = {one.name: {urn.rpartition("::")[2] for urn in one.depends_on} for one in recording.resources}
    assert waits["train"] == {"base-command", "prepare-command"}
    assert waits["consolidate"] == {"base-command", "prepare-command", "train-command"}
    assert waits["prepare"] == {"base-command"}


def test_a_step_range_leaves_the_others_out(config: Config) -> None:
    made = commands(recorded(config(platform="local", steps={"from": "train", "to": "consolidate"})))
    assert list(made) == ["train", "consolidate"]


def test_the_outputs_say_where_model_report_and_curves_are(config: Config) -> None:
    outputs = recorded(config(platform="local")).outputs
    assert outputs["model"].endswith("/model")
    assert outputs["report"].endswith("/report.md")
    assert outputs["tensorboard"].endswith("/tensorboard")


def test_a_given_token_reaches_the_steps_and_stays_secret(config: Config) -> None:
    token = "hf_" + "x" * 30
    recording = recorded(config("hfToken", platform="local", hfToken=token))
    requests = [one.request for one in recording.resources if one.type == COMMAND]
    for request in requests:
        secret = request.object.fields["environment"].struct_value.fields["HF_TOKEN"].struct_value.fields
        assert secret["4dabf18193072939515e22adb298388d"].string_value == "1b47061264138c4ac30d75fd1eb44270"
    assert token not in str(recording.outputs)


def test_missing_libraries_warn_in_a_preview_and_stop_an_update(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rehearsal, "missing", lambda python: f"{python} has no torch. Run `make setup`.")
    preview = recorded(config(platform="local"))
    assert preview.error is None
    assert [level for level, text in preview.messages if "make setup" in text] == ["warning"]
    assert preview.resources
    update = recorded(config(platform="local"), preview=False)
    assert update.error
    assert "make setup" in update.error
    assert update.resources == []


def test_a_key_without_effect_is_warned_of(config: Config) -> None:
    recording = recorded(config(platform="local", nodes={"count": 2}))
    assert ("warning", "trainyard:nodes: has no effect on the platform local.") in recording.messages


@pytest.mark.parametrize("provisioner", ["karpenter", "managed"])
def test_a_cluster_from_nothing_can_be_previewed_with_nothing_there(config: Config, provisioner: str) -> None:
    recording = recorded(config(platform="eks", provisioner=provisioner))
    assert recording.error is None
    kinds = {one.type for one in recording.resources}
    assert {"eks:index:Cluster", "aws:fsx/lustreFileSystem:LustreFileSystem", "aws:s3/bucket:Bucket"} <= kinds
    steps = [one.name for one in recording.resources if one.type == "trainyard:components:Step"]
    assert sorted(steps) == ["compile", "consolidate", "keep", "prepare", "test", "train"]


def test_without_a_region_an_update_on_eks_stops_before_anything_is_made(config: Config) -> None:
    recording = recorded(config(platform="eks", parameters={"model": "a", "tokenizer": "a"}), preview=False)
    assert recording.error
    assert "aws:region" in recording.error
    assert recording.resources == []


def test_every_component_registers_its_outputs(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    from stacks import recorder

    registered: list[str] = []
    original = recorder._Monitor.RegisterResourceOutputs

    def keep(self: Any, request: Any) -> Any:
        registered.append(request.urn)
        return original(self, request)

    monkeypatch.setattr(recorder._Monitor, "RegisterResourceOutputs", keep)
    recording = recorded(config(platform="local"))
    components = [one.urn for one in recording.resources if one.type.startswith("trainyard:")]
    assert components
    assert set(components) <= set(registered)


def test_a_zone_that_was_named_is_taken_at_its_word_where_nobody_asks_aws() -> None:
    with_zone, without = planned(network={"zone": "us-west-2d"}), planned()
    assert len(with_zone.resources) == len(without.resources)
    (training,) = (one for one in with_zone.resources if one.name == "network-training")
    assert training.inputs["availabilityZone"] == "us-west-2d"


@pytest.mark.parametrize("zone", ["us-east-1a", "us-west-2", "us-west-2-lax-1a", "us-west-9z"])
def test_a_zone_of_another_region_is_told_before_any_resource_is_registered(zone: str) -> None:
    raw = RawConfig({"network": {"zone": zone}}, others={"aws:region": "us-west-2"})
    recording = recorded(raw)
    assert recording.resources == []
    assert recording.error == (
        f"trainyard:network.zone: '{zone}' is no zone of us-west-2 (aws:region). A zone there is written as "
        "us-west-2a. Left out, the first that offers the instance type is taken."
    )
