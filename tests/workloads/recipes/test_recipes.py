"""Recipes as data: their steps fit together, their arguments are those of their programs, their prices add up."""

import importlib
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError
from transformers import HfArgumentParser

from workloads.hardware import trainium
from workloads.launchers.local import Machine, command
from workloads.recipes import RECIPES, Fleet, Recipe, hashing
from workloads.recipes.step import Neuron, Processor, Step, ThisMachine

FLEET = Fleet(trainium("trn1.32xlarge"), 1, efa=True)
TORCHRUN = ("llama2-7b-dolly", "llama3-8b-lora", "llama3-8b-text-to-sql")
"""Recipes that train with the project's loop by torchrun."""


def both(recipe: Recipe) -> dict[str, tuple[Step, ...]]:
    return {
        "cluster": recipe.steps(recipe.parameters(), FLEET),
        "rehearsal": recipe.steps(recipe.rehearsal(), None),
    }


CASES = [(name, where) for name in sorted(RECIPES) for where in ("cluster", "rehearsal")]


@pytest.fixture(params=CASES, ids="-".join)
def steps(request: pytest.FixtureRequest) -> tuple[Step, ...]:
    name, where = request.param
    return both(RECIPES[name])[where]


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_a_recipe_is_found_by_its_own_name(name: str) -> None:
    assert RECIPES[name].name == name


def test_each_step_comes_after_those_that_it_needs(steps: tuple[Step, ...]) -> None:
    seen: set[str] = set()
    for step in steps:
        assert set(step.needs) <= seen
        seen.add(step.name)
    assert len(seen) == len(steps)


def test_every_argument_is_one_that_its_program_takes(steps: tuple[Step, ...]) -> None:
    """The program's own parser reads the launcher's own command line, and finds the values that the recipe gave."""
    hashes = hashing.hashes(steps)
    for step in steps:
        line = command(replace(step, placement=ThisMachine()), "recipe", hashes, Machine(Path("/shared"), "python"))
        module = importlib.import_module(f"workloads.{step.program}")
        (parsed,) = HfArgumentParser(module.Arguments).parse_args_into_dataclasses(args=list(line.argv[3:]))
        for name, value in {**step.arguments, **step.tuning}.items():
            if isinstance(value, (int, float)):
                assert getattr(parsed, name) == value, name
            if isinstance(value, tuple):
                assert getattr(parsed, name) == list(value), name


def test_only_what_needs_them_holds_neuron_devices() -> None:
    for recipe in RECIPES.values():
        cluster = {step.name: step.placement for step in both(recipe)["cluster"]}
        held = [name for name, placement in cluster.items() if isinstance(placement, Neuron)]
        assert set(held) <= {"compile", "train", "generate"}
        assert {"compile", "train"} <= set(held)
        assert all(isinstance(cluster[name], Processor) for name in cluster if name not in held)


@pytest.mark.parametrize("nodes", [1, 2])
def test_what_is_compiled_is_what_the_same_nodes_then_train(nodes: int) -> None:
    for recipe in (RECIPES[name] for name in TORCHRUN):
        steps = recipe.steps(recipe.parameters(), Fleet(trainium("trn1.32xlarge"), nodes, efa=True))
        compiles, trains = (next(step for step in steps if step.name == name) for name in ("compile", "train"))
        assert compiles.placement == trains.placement
        assert (compiles.image, compiles.launcher) == (trains.image, trains.launcher)
        assert trains.after == ("compile",)
        assert trains.waits_for([step.name for step in steps])[-1] == "compile"
        given = {**compiles.arguments, **compiles.tuning}
        for name, value in {**trains.arguments, **trains.tuning}.items():
            assert given.get(name) == value or name in ("max_steps", "epochs")
        most, compiled = given["max_steps"], given["steps"]
        assert isinstance(most, int)
        assert isinstance(compiled, int)
        assert most > compiled  # else the learning rate comes to 0, which is another graph


def test_a_rehearsal_says_of_every_step_that_it_leaves_out_why() -> None:
    for recipe in RECIPES.values():
        steps = both(recipe)
        left = {step.name for step in steps["cluster"]} - {step.name for step in steps["rehearsal"]}
        assert left == set(recipe.only_on_neuron)
        assert all(recipe.only_on_neuron.values())


def test_a_rehearsal_stays_on_this_machine_and_costs_nothing() -> None:
    for recipe in RECIPES.values():
        for step in both(recipe)["rehearsal"]:
            assert isinstance(step.placement, ThisMachine)
            assert step.launcher == "local"
            assert step.dollars == 0
            assert not step.image


def test_a_rehearsal_has_the_recipes_own_steps_and_programs() -> None:
    for recipe in RECIPES.values():
        left = recipe.only_on_neuron
        cluster = [(step.name, step.program) for step in both(recipe)["cluster"] if step.name not in left]
        rehearsed = [(step.name, step.program) for step in both(recipe)["rehearsal"]]
        own = [one for one in rehearsed if one in cluster]
        assert own == cluster
        assert {name for name, _ in rehearsed} - {name for name, _ in cluster} <= {"base", "tokenizer", "check"}


def test_a_steps_price_is_that_of_its_machines_for_its_time() -> None:
    recipe = RECIPES["llama3-8b-text-to-sql"]
    two = Fleet(trainium("trn1.32xlarge"), 2, efa=True)
    train = next(step for step in recipe.steps(recipe.parameters(), two) if step.name == "train")
    assert train.dollars == pytest.approx(2 * 21.50 * train.minutes / 60)


def test_a_price_that_aws_does_not_list_is_not_made_up() -> None:
    recipe = RECIPES["llama3-8b-text-to-sql"]
    trn2 = Fleet(trainium("trn2.48xlarge"), 1, efa=True)
    train = next(step for step in recipe.steps(recipe.parameters(), trn2) if step.name == "train")
    assert train.dollars is None


def test_recipes_cannot_be_changed_in_passing() -> None:
    recipe = RECIPES["llama3-8b-lora"]
    with pytest.raises(AttributeError):
        recipe.name = "other"  # type: ignore[misc]
    with pytest.raises(ValidationError):
        recipe.parameters().max_steps = 3  # type: ignore[attr-defined]


def test_a_rehearsal_with_a_model_of_ones_own_makes_no_tiny_one() -> None:
    recipe = RECIPES["llama3-8b-lora"]
    parameters = recipe.rehearsal(model="some/model", tokenizer="some/model")  # type: ignore[call-arg]
    assert recipe.steps(parameters, None)[0].name == "prepare"


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_the_model_that_a_rehearsal_makes_is_for_rehearsals_alone(name: str) -> None:
    recipe = RECIPES[name]
    made = [key for key, value in recipe.rehearsal().model_dump().items() if value == "tiny"]
    assert made
    told = recipe.parameters(**dict.fromkeys(made, "tiny")).misfits(FLEET)
    assert all("for rehearsals alone" in told[key] for key in made)
    assert not set(made) & set(recipe.rehearsal().misfits(None))


@pytest.mark.parametrize("name", ["llama3-8b-lora", "llama3-8b-text-to-sql"])
def test_the_defaults_are_the_seed_guides(name: str) -> None:
    defaults = RECIPES[name].parameters().model_dump()
    guide = {
        "dataset": "b-mc2/sql-create-context",
        "train_rows": 50_000,
        "eval_rows": 500,
        "shuffle_seed": 23,
        "block_size": 1024,
        "tensor_parallel_degree": 8,
        "precision": "bf16",
        "lora_rank": 8,
        "lora_alpha": 64,
        "lora_dropout": 0.05,
        "lora_rank_stabilized": True,
        "max_steps": 250,
        "micro_batch": 8,
        "accumulation": 1,
        "learning_rate": 1e-5,
    }
    assert {key: defaults[key] for key in guide} == guide
    assert len(defaults["lora_targets"]) == 7


def test_dollys_defaults_are_its_seed_guides() -> None:
    parameters = RECIPES["llama2-7b-dolly"].parameters()
    guide = {
        "dataset": "databricks/databricks-dolly-15k",
        "block_size": 2048,
        "tensor_parallel_degree": 8,
        "precision": "bf16",
        "epochs": 3,
        "micro_batch": 1,
        "accumulation": 16,
        "learning_rate": 5e-5,
        "gradient_checkpointing": True,
        "export_cores": 2,
        "export_batch": 1,
        "export_sequence_length": 2048,
        "max_new_tokens": 512,
        "temperature": 0.9,
        "top_k": 50,
        "top_p": 0.9,
    }
    assert {key: parameters.model_dump()[key] for key in guide} == guide


@pytest.mark.parametrize(
    ("changes", "key", "said"),
    [
        ({"tensor_parallel_degree": 3}, "tensor_parallel_degree", "3 does not divide the model's 32 attention heads"),
        (
            {"train_rows": 100, "accumulation": 32},
            "accumulation",
            "1 (micro_batch) × 4 data-parallel ranks × 32 (accumulation) = 128 blocks, and 100 rows",
        ),
        ({"train_rows": 100, "accumulation": 32}, "accumulation", "1 × 32 = 32 NeuronCores / 8"),
        ({"export_cores": 3}, "export_cores", "Allowed: 1, 2, 4, 8, 16, 32"),
        ({"max_new_tokens": 2048}, "max_new_tokens", "no room for a prompt in 2048 tokens"),
        ({"prompts": "mine.jsonl"}, "prompts", "Put it under /shared/data"),
        ({"warmup_steps": 5, "max_steps": 5}, "warmup_steps", "none of the 5 steps"),
    ],
)
def test_parameters_of_dolly_that_cannot_work_together_are_told_with_the_sum(
    changes: dict[str, object], key: str, said: str
) -> None:
    parameters = RECIPES["llama2-7b-dolly"].parameters.model_validate(changes)
    assert said in parameters.misfits(FLEET)[key]


def test_dollys_defaults_fit_every_fleet_that_it_may_train_on() -> None:
    recipe = RECIPES["llama2-7b-dolly"]
    for name in recipe.instances:
        for nodes in range(1, recipe.most_nodes + 1):
            assert not recipe.parameters().misfits(Fleet(trainium(name), nodes, efa=True))
