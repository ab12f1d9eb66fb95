"""Settings: every mistake is told, all of them together, each in one line that names the key and what is allowed."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import yaml

from stacks.config import RawConfig, from_file
from stacks.mistakes import SettingsError
from stacks.settings import Keys, Settings, read
from tests.conftest import PROJECT
from workloads.recipes import RECIPES

Config = Callable[..., RawConfig]
TOKEN = "hf_" + "a1B2c3D4" * 4


def mistakes(raw: RawConfig) -> list[str]:
    with pytest.raises(SettingsError) as error:
        read(raw)
    return [str(mistake) for mistake in error.value.mistakes]


def only(raw: RawConfig) -> str:
    (mistake,) = mistakes(raw)
    return mistake


def test_an_empty_config_is_a_whole_one(config: Config) -> None:
    settings = read(config())
    assert settings.recipe.name == "llama3-8b-text-to-sql"
    assert settings.fleet
    assert (settings.fleet.instance.name, settings.fleet.nodes, settings.fleet.efa) == ("trn1.32xlarge", 1, True)


def test_ten_mistakes_are_told_in_ten_lines(config: Config) -> None:
    raw = config(
        platfrom="eks",
        nodes={"instanceType": "trn1.64xlarge", "count": "many", "efa": "perhaps", "size": 3},
        parameters={"max_step": 10, "learning_rate": -1, "precision": "fp8", "lora_rank": 1.5},
        steps={"from": "test", "to": "prepare"},
    )
    told = mistakes(raw)
    assert len(told) == 10
    assert len({line.split(":")[1] for line in told}) == 10
    assert not [line for line in told if "\n" in line or "Traceback" in line]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"recipee": "x"}, "trainyard:recipee: unknown key. Did you mean 'recipe'?"),
        ({"nodes": {"instancetype": "x"}}, "trainyard:nodes.instancetype: unknown key. Did you mean 'instanceType'?"),
        ({"parameters": {"maxsteps": 3}}, "trainyard:parameters.maxsteps: unknown key. Did you mean 'max_steps'?"),
        ({"nodes": {"count": "two"}}, 'trainyard:nodes.count: "two" is not a whole number.'),
        ({"nodes": {"count": 0}}, "trainyard:nodes.count: 0 is not allowed; it must be at least 1."),
        ({"nodes": 3}, "trainyard:nodes: 3 is not a group of keys."),
        ({"parameters": [1]}, "trainyard:parameters: [1] is not a group of keys."),
        ({"parameters": {"max_steps": 2.5}}, "trainyard:parameters.max_steps: 2.5 is not a whole number."),
        (
            {"parameters": {"lora_dropout": 1}},
            "trainyard:parameters.lora_dropout: 1 is not allowed; it must be below 1",
        ),
        ({"parameters": {"gradient_checkpointing": "sure"}}, '"sure" is not true or false.'),
        ({"parameters": {"lora_targets": "q_proj"}}, 'trainyard:parameters.lora_targets: "q_proj" is not a list.'),
        ({"nodes": "trn1.32xlarge"}, '"trn1.32xlarge" is not a group of keys. Write each key of it on a line below'),
        ({"nodes": None}, "trainyard:nodes: has no value. Give it one, or leave the key out."),
        ({"nodes": {"reservation": {}}}, "trainyard:nodes.reservation.id: is missing."),
        ({"cluster": {"kubernetes": 1.35}}, "trainyard:cluster.kubernetes: 1.35 is not a text. Put it in quotes."),
        ({"cluster": {"publicAccessCidrs": "1.2.3.4/32"}}, '"1.2.3.4/32" is not a list. Put it in brackets.'),
        ({"cluster": {"publicAccessCidrs": ["1.2.3.4"]}}, 'publicAccessCidrs[0]: "1.2.3.4" is not allowed: a network'),
        (
            {"observability": {"logDays": 8}},
            "observability.logDays: CloudWatch keeps no logs for 8 days. Allowed: 1, 3, ",
        ),
        ({"platform": "gke"}, "trainyard:platform: \"gke\" is not allowed. Allowed: 'eks', 'existing', 'local'."),
        ({"recipe": "llama3-lora"}, "trainyard:recipe: 'llama3-lora': unknown recipe. Did you mean 'llama3-8b-lora'?"),
        ({"nodes": {"instanceType": "trn1.32"}}, "unknown instance type. Did you mean 'trn1.32xlarge'?"),
        ({"nodes": {"count": 9}}, "trainyard:nodes.count: llama3-8b-text-to-sql can use 4 nodes at the most, not 9."),
        (
            {"parameters": {"tensor_parallel_degree": 3}},
            "3 does not divide the model's 32 attention heads. Allowed: 1, 2, 4",
        ),
        ({"parameters": {"warmup_steps": 250}}, "250 leaves none of the 250 steps (max_steps) to train in."),
        ({"parameters": {"lora_targets": ["q_proj"]}}, "consolidates no fewer than all of q_proj"),
        ({"parameters": {"dataset": "mine.jsonl"}}, "mine.jsonl is a file of this machine, which no pod can read."),
        ({"steps": {"from": "trains"}}, "trainyard:steps.from: 'trains': unknown step. Did you mean 'train'?"),
        ({"steps": {"from": "test", "to": "prepare"}}, "trainyard:steps: 'from' (test) comes after 'to' (prepare)."),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_mistake_names_its_key_what_is_wrong_and_what_is_allowed(
    config: Config, values: dict[str, Any], said: str
) -> None:
    assert said in only(config(**values))


def test_what_an_instance_cannot_do_is_all_told_with_the_sum(config: Config) -> None:
    raw = config(nodes={"instanceType": "trn1.2xlarge", "count": 3, "efa": True})
    told = mistakes(raw)
    assert len(told) == 3
    assert "llama3-8b-text-to-sql cannot train on trn1.2xlarge" in told[0]
    assert told[1].startswith("trainyard:nodes.efa: trn1.2xlarge has no Elastic Fabric Adapter.")
    assert "8 does not divide 3 × 2 = 6 NeuronCores. Allowed: 1, 2" in told[2]


def test_efa_left_out_is_used_where_there_is_some(config: Config) -> None:
    assert read(config()).fleet.efa  # type: ignore[union-attr]
    assert not read(config(nodes={"efa": False})).fleet.efa  # type: ignore[union-attr]


def test_a_mistaken_key_brings_no_complaints_about_the_default_in_its_place(config: Config) -> None:
    assert only(config(nodes={"count": "x"}, parameters={"tensor_parallel_degree": 32})).startswith(
        "trainyard:nodes.count"
    )


def test_a_token_in_plain_text_is_told_without_being_shown(config: Config) -> None:
    told = only(config(hfToken=TOKEN))
    assert told.startswith("trainyard:hfToken: holds a secret in plain text.")
    assert "pulumi config set --secret trainyard:hfToken" in told
    assert TOKEN not in told


def test_a_token_is_found_wherever_it_was_put(config: Config) -> None:
    told = mistakes(config(parameters={"model_revision": TOKEN}, recipe="llama3-8b-lora"))
    assert told[0].startswith("trainyard:parameters: holds a secret in plain text.")


def test_no_message_shows_a_token(config: Config) -> None:
    told = mistakes(config(hfToken=[TOKEN], nodes={"count": TOKEN}))
    assert len(told) > 1
    assert TOKEN not in "".join(told)


def test_a_key_without_effect_is_pointed_out(config: Config) -> None:
    (ignored,) = read(config(platform="local", nodes={"count": 2})).ignored
    assert str(ignored) == "trainyard:nodes: has no effect on the platform local."
    (ignored,) = read(config(local={"folder": "x"})).ignored
    assert str(ignored) == "trainyard:local: has no effect on the platform eks."
    assert read(config(nodes={}, local={})).ignored == ()


def test_an_encrypted_token_is_fine(config: Config) -> None:
    assert read(config("hfToken", hfToken=TOKEN)).has_token


def test_a_gated_model_lacks_its_token(config: Config) -> None:
    assert read(config()).lacks_token
    assert not read(config("hfToken", hfToken=TOKEN)).lacks_token
    assert not read(config(parameters={"model": "my/model", "tokenizer": "my/model"})).lacks_token
    assert not read(config(platform="local")).lacks_token


def test_settings_never_hold_the_token(config: Config) -> None:
    assert TOKEN not in repr(read(config("hfToken", hfToken=TOKEN)))


@pytest.mark.parametrize("count", ["1", 1, "2"])
def test_numbers_may_come_as_the_text_that_the_engine_makes_of_them(config: Config, count: Any) -> None:
    assert read(config(nodes={"count": count})).nodes.count == int(count)


def test_on_this_machine_the_rehearsals_parameters_are_allowed(config: Config) -> None:
    parameters = read(config(platform="local", parameters={"base_steps": 3})).parameters
    assert parameters.model_dump()["base_steps"] == 3
    assert "base_steps" in only(config(parameters={"base_steps": 3}))


def test_a_data_file_of_ones_own_must_be_there(config: Config) -> None:
    assert "there is no file" in only(config(platform="local", parameters={"dataset": "nowhere.jsonl"}))


@pytest.mark.parametrize("stack", ["dev", "local"])
def test_the_stacks_that_come_with_the_project_are_without_mistakes(stack: str) -> None:
    assert isinstance(read(from_file(stack)), Settings)


def _as_the_cli_types_it(default: Any) -> dict[str, Any]:
    if isinstance(default, bool):
        return {"type": "boolean", "default": default}
    if isinstance(default, int):
        return {"type": "integer", "default": default}
    if isinstance(default, timedelta):
        return {"type": "string", "default": f"{default.total_seconds() / 3600:g}h"}
    if isinstance(default, (str, type(None))):
        return {"type": "string", "default": default or ""}
    return {"type": "object", "default": {}}


def test_every_key_is_declared_to_the_pulumi_cli_with_type_default_and_description() -> None:
    declared = yaml.safe_load((PROJECT / "Pulumi.yaml").read_text())["config"]
    expected = {}
    for name, key in Keys.model_fields.items():
        expected[f"trainyard:{key.alias or name}"] = {
            **_as_the_cli_types_it(key.get_default(call_default_factory=True)),
            "description": key.description,
        }
    assert declared == expected


def test_an_unknown_recipe_is_told_with_the_list(config: Config) -> None:
    assert f"Allowed: {', '.join(sorted(RECIPES))}." in only(config(recipe="gpt"))
