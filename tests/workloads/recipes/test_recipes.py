"""Recipes as data: their steps fit together, their arguments are those of their programs, their prices add up."""

import importlib
from pathlib import Path

import pytest
from pydantic import ValidationError
from transformers import HfArgumentParser

from workloads.hardware import trainium
from workloads.launchers.local import Machine, command
from workloads.recipes import RECIPES, Fleet, Recipe, hashing
from workloads.recipes.step import Neuron, Processor, Step, ThisMachine

FLEET = Fleet(trainium("trn1.32xlarge"), 1, efa=True)


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
        line = command(step, "recipe", hashes, Machine(Path("/shared"), "python"))
        module = importlib.import_module(f"workloads.{step.program}")
        (parsed,) = HfArgumentParser(module.Arguments).parse_args_into_dataclasses(args=list(line.argv[3:]))
        for name, value in {**step.arguments, **step.tuning}.items():
            if isinstance(value, (int, float)):
                assert getattr(parsed, name) == value, name
            if isinstance(value, tuple):
                assert getattr(parsed, name) == list(value), name


def test_only_training_holds_neuron_devices() -> None:
    for recipe in RECIPES.values():
        cluster = {step.name: step.placement for step in both(recipe)["cluster"]}
        on_trainium = {name for name, placement in cluster.items() if isinstance(placement, Neuron)}
        assert {"train"} <= on_trainium <= {"compile", "train"}
        assert all(isinstance(cluster[name], Processor) for name in cluster if name not in on_trainium)


def test_a_rehearsal_stays_on_this_machine_and_costs_nothing() -> None:
    for recipe in RECIPES.values():
        for step in both(recipe)["rehearsal"]:
            assert isinstance(step.placement, ThisMachine)
            assert step.launcher == "local"
            assert step.dollars == 0
            assert not step.image


def test_a_rehearsal_has_the_recipes_own_steps_and_programs() -> None:
    for recipe in RECIPES.values():
        cluster = [(step.name, step.program) for step in both(recipe)["cluster"] if step.name != "compile"]
        rehearsed = [(step.name, step.program) for step in both(recipe)["rehearsal"]]
        assert rehearsed[-len(cluster) :] == cluster
        assert [name for name, _ in rehearsed[: -len(cluster)]] in (["base"], ["tokenizer"])


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
