"""What a step is expected to take follows what it is to do, and its limit leaves room for it."""

import math
from typing import Any

import pytest

from workloads.hardware import trainium
from workloads.recipes import RECIPES, Fleet, estimating
from workloads.recipes.step import BESIDE, Step

NAMES = sorted(RECIPES)
TRN1, TRN2 = trainium("trn1.32xlarge"), trainium("trn2.48xlarge")
MEGATRON, RAY, DOLLY, SQL = ("llama2-7b-megatron", "llama2-7b-ray", "llama2-7b-dolly", "llama3-8b-text-to-sql")


def steps(recipe: str, fleet: Fleet | None = None, **parameters: Any) -> dict[str, Step]:
    made = RECIPES[recipe]
    fleet = fleet or Fleet(TRN1, 2, efa=True)
    return {step.name: step for step in made.whole(made.steps(made.parameters(**parameters), fleet))}


def minutes(recipe: str, step: str = "train", **parameters: Any) -> float:
    return steps(recipe, **parameters)[step].minutes


@pytest.mark.parametrize("recipe", NAMES)
def test_each_step_more_takes_as_long_as_the_one_before(recipe: str) -> None:
    one, two, four = (minutes(recipe, max_steps=count, warmup_steps=0) for count in (10_000, 20_000, 40_000))
    assert four - two == pytest.approx(2 * (two - one))
    assert two > 1.9 * one


@pytest.mark.parametrize("recipe", NAMES)
def test_twice_the_training_costs_twice_as_much(recipe: str) -> None:
    long, longer = (steps(recipe, max_steps=count)["train"].dollars for count in (10**6, 2 * 10**6))
    assert long is not None
    assert longer == pytest.approx(2 * long, rel=0.01)


@pytest.mark.parametrize(
    ("recipe", "step", "less", "more"),
    [
        (DOLLY, "train", {"epochs": 1}, {"epochs": 3}),
        (DOLLY, "train", {"train_rows": 5_000}, {"train_rows": 15_000}),
        (DOLLY, "prepare", {"train_rows": 5_000}, {"train_rows": 15_000}),
        (DOLLY, "generate", {"max_new_tokens": 64}, {"max_new_tokens": 512}),
        (DOLLY, "generate", {"export_batch": 10}, {"export_batch": 1}),
        (SQL, "train", {"micro_batch": 4}, {"micro_batch": 8}),
        (SQL, "train", {"accumulation": 1}, {"accumulation": 2}),
        (SQL, "train", {"block_size": 512}, {"block_size": 1024}),
        (SQL, "train", {"tensor_parallel_degree": 32}, {"tensor_parallel_degree": 8}),
        (SQL, "prepare", {"train_rows": 5_000}, {"train_rows": 50_000}),
        (SQL, "test", {"test_rows": 10}, {"test_rows": 100}),
        (SQL, "test", {"test_max_new_tokens": 8}, {"test_max_new_tokens": 64}),
        (RAY, "train", {"global_batch": 128}, {"global_batch": 256}),
        (RAY, "train", {"layers": 16}, {"layers": 32}),
        (RAY, "prepare", {"train_blocks": 1_000}, {"train_blocks": 0}),
        (RAY, "prepare", {"prepare_processes": 32}, {"prepare_processes": 1}),
        (RAY, "test", {"test_blocks": 16}, {"test_blocks": 32}),
        (MEGATRON, "train", {"global_batch": 128}, {"global_batch": 256}),
        (MEGATRON, "tokenize", {"tokenize_processes": 0}, {"tokenize_processes": 4}),
        (MEGATRON, "test", {"test_blocks": 16}, {"test_blocks": 32}),
    ],
    ids=str,
)
def test_what_has_more_to_do_takes_longer(recipe: str, step: str, less: dict[str, Any], more: dict[str, Any]) -> None:
    assert minutes(recipe, step, **less) < minutes(recipe, step, **more)


def test_as_many_steps_as_the_epochs_make_take_the_same_time() -> None:
    """93 steps of 64 blocks: the guide's three epochs, which took it 31:46, and 43:24 with all around them."""
    one = Fleet(TRN1, 1, efa=True)
    assert steps(DOLLY, one)["train"].minutes == steps(DOLLY, one, max_steps=93)["train"].minutes
    assert steps(DOLLY, one)["train"].minutes == pytest.approx(43.4, abs=1.6)


@pytest.mark.parametrize("recipe", [MEGATRON, RAY])
def test_more_nodes_take_less_time_and_the_same_node_hours(recipe: str) -> None:
    two, four = (steps(recipe, Fleet(TRN1, count, efa=True))["train"] for count in (2, 4))
    assert two.minutes * 2 == pytest.approx(four.minutes * 4)


def test_a_faster_machine_takes_less_time() -> None:
    slow, fast = (steps(RAY, Fleet(instance, 1, efa=True))["train"].minutes for instance in (TRN1, TRN2))
    assert slow / fast == pytest.approx(667 / 190)


def test_two_ways_to_train_the_same_model_are_expected_to_be_about_as_fast() -> None:
    assert minutes(RAY) == pytest.approx(minutes(MEGATRON), rel=0.3)


@pytest.mark.parametrize("recipe", NAMES)
@pytest.mark.parametrize("parameters", [{}, {"max_steps": 500}, {"max_steps": 10**6}, {"max_steps": 2**24}], ids=str)
def test_a_limit_always_leaves_room_for_the_estimate(recipe: str, parameters: dict[str, Any]) -> None:
    for count in (1, RECIPES[recipe].most_nodes):
        for step in steps(recipe, Fleet(TRN1, count, efa=True), **parameters).values():
            assert step.limit_hours >= 2 * step.minutes / 60 or step.limit_hours == estimating.LONGEST_HOURS
            assert step.limit_hours * 3600 <= 2**31 - 1
            assert step.minutes > 0


@pytest.mark.parametrize("recipe", NAMES)
def test_no_number_of_steps_makes_an_estimate_that_is_no_number(recipe: str) -> None:
    huge: dict[str, Any] = {"max_steps": 2**24, "micro_batch": 2**63 - 1}
    for step in steps(recipe, **huge).values():
        assert math.isfinite(step.minutes)
        assert step.limit_hours <= estimating.LONGEST_HOURS


def test_what_a_launcher_holds_beside_the_nodes_is_in_the_steps_price() -> None:
    """mpirun has a machine of its own; Ray's head and submitter are too large for one together."""
    for recipe, machines in ((SQL, 0), (MEGATRON, 1), (RAY, 2)):
        train = steps(recipe)["train"]
        assert train.beside == ("m7i.2xlarge",) * machines
        assert train.dollars == pytest.approx((2 * 21.50 + machines * 0.4032) * train.minutes / 60)
    head, submitter = BESIDE["ray"]
    assert head.memory + submitter.memory > head.instance.memory * 0.9
