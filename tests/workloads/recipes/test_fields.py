"""Parameters that no run could make sense of are refused, each with the reason."""

import pytest
from pydantic import ValidationError

from workloads.recipes import RECIPES

NAMES = sorted(RECIPES)
NAMED = ("model", "tokenizer", "dataset", "corpus")


def refusal(recipe: str, **given: object) -> str:
    with pytest.raises(ValidationError) as error:
        RECIPES[recipe].parameters.model_validate(given)
    (one,) = error.value.errors()
    assert one["loc"] == (*given,)
    return one["msg"]


@pytest.mark.parametrize("recipe", NAMES)
@pytest.mark.parametrize("value", [float("inf"), float("nan"), "inf", "nan", "1e999"])
def test_a_learning_rate_is_a_finite_number(recipe: str, value: object) -> None:
    assert "finite number" in refusal(recipe, learning_rate=value)


@pytest.mark.parametrize("recipe", NAMES)
def test_steps_are_no_more_than_the_optimizer_can_count(recipe: str) -> None:
    assert "AdamW counts its steps in a 32-bit float, to 16,777,216" in refusal(recipe, max_steps=10**30)
    assert RECIPES[recipe].parameters.model_validate({"max_steps": 2**24}).model_dump()["max_steps"] == 2**24
    refusal(recipe, max_steps=2**24 + 1)


@pytest.mark.parametrize("recipe", NAMES)
def test_every_whole_number_has_a_bound(recipe: str) -> None:
    for name, value in RECIPES[recipe].parameters().model_dump().items():
        if type(value) is int:
            refusal(recipe, **{name: 10**400})


@pytest.mark.parametrize("recipe", NAMES)
@pytest.mark.parametrize(
    "value", ["", " ", "x y", "a/b/c", "/a b\n", "owner/", "-owner/name", "https://hub/x", "a" * 97]
)
def test_a_model_or_data_set_is_a_name_on_the_hub_or_a_path(recipe: str, value: str) -> None:
    fields = [name for name in NAMED if name in RECIPES[recipe].parameters.model_fields]
    assert fields
    for name in fields:
        assert "owner/name" in refusal(recipe, **{name: value})


@pytest.mark.parametrize("recipe", NAMES)
@pytest.mark.parametrize(
    "value",
    ["gpt2", "meta-llama/Llama-2-7b-hf", "b-mc2/sql-create-context", "/shared/data/my rows.jsonl", "./a b/c.txt"],
)
def test_names_and_paths_are_let_through(recipe: str, value: str) -> None:
    for name in NAMED:
        if name in RECIPES[recipe].parameters.model_fields:
            RECIPES[recipe].parameters.model_validate({name: value})
