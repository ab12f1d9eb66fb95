"""`trainyard:maxSpend`: a run that would cost more is refused with the arithmetic, and so is one of unknown price."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from stacks.config import RawConfig
from stacks.mistakes import SettingsError
from stacks.program import run_of, stand_up
from stacks.receipt import receipt
from stacks.recorder import record
from stacks.run_price import hourly, machine_price
from stacks.settings import read
from tests.stacks import planned as plans

Config = Callable[..., RawConfig]


def refused(raw: RawConfig) -> str:
    with pytest.raises(SettingsError) as error:
        read(raw)
    (mistake,) = error.value.mistakes
    return str(mistake)


def price(raw: RawConfig) -> float:
    settings = read(raw)
    dollars = machine_price(run_of(settings).chosen, settings.nodes.idle).total
    assert dollars is not None
    return dollars


def test_a_run_within_the_limit_is_let_through_and_one_above_it_is_not(config: Config) -> None:
    dollars = price(config())
    assert read(config(maxSpend=int(dollars) + 1)).keys.max_spend == int(dollars) + 1
    assert refused(config(maxSpend=int(dollars))).startswith("trainyard:maxSpend: a run would cost")


def test_zero_is_no_limit_and_the_engines_text_is_a_number(config: Config) -> None:
    assert read(config(maxSpend="0")) == read(config())
    assert refused(config(maxSpend="1")) == refused(config(maxSpend=1))


def test_the_refusal_adds_up_from_the_dearest_step_and_says_what_to_do(config: Config) -> None:
    told = refused(config(maxSpend=5))
    whole, limit, *each = (float(number) for number in re.findall(r"\$([0-9.]+\d)", told.replace("$5:", "$5.0:")))
    assert (round(price(config()), 2), 5) == (whole, limit)
    assert sum(each) == pytest.approx(whole, abs=0.005 * len(each))
    assert each == sorted(each, reverse=True)
    assert re.search(r"compile \$\d+\.\d\d \(1 × trn1\.32xlarge for 0\.\d\d h\)", told)
    for text in ("us-east-1", "trainyard:steps", "trainyard:parameters", "raise the limit"):
        assert text in told
    assert "\n" not in told


def test_a_machine_without_a_listed_price_cannot_be_held_to_a_limit(config: Config) -> None:
    nodes = {"instanceType": "trn2.48xlarge"}
    told = refused(config(maxSpend=10**6, nodes=nodes))
    assert "no price is listed for trn2.48xlarge" in told
    assert read(config(nodes=nodes)).keys.max_spend == 0


def test_only_the_steps_that_are_to_run_count(config: Config) -> None:
    assert read(config(maxSpend=5, steps={"to": "prepare"})).keys.max_spend == 5


@pytest.mark.parametrize("change", [{"nodes": {"count": 2}}, {"nodes": {"idle": "2h"}}, {"parameters": {}}])
def test_more_nodes_and_a_longer_idle_time_cost_more(config: Config, change: dict[str, Any]) -> None:
    try:
        dollars = price(config(**change))
    except SettingsError:
        pytest.skip("the recipe trains on one node")
    assert dollars >= price(config())


def test_where_another_key_is_wrong_the_limit_keeps_silent(config: Config) -> None:
    for wrong in ({"steps": {"from": "trian"}}, {"nodes": {"instanceType": "trn9"}}, {"parameters": {"max_steps": 0}}):
        assert not refused(config(maxSpend=1, **wrong)).startswith("trainyard:maxSpend")


@pytest.mark.parametrize("value", [-1, "much", 2.5])
def test_what_is_no_number_of_dollars_is_told(config: Config, value: Any) -> None:
    assert refused(config(maxSpend=value)).startswith("trainyard:maxSpend: ")


def test_this_machine_costs_nothing_and_the_key_is_pointed_out_there(config: Config) -> None:
    (told,) = read(config(platform="local", maxSpend=1)).ignored
    assert str(told) == "trainyard:maxSpend: has no effect on the platform local."


def test_a_preview_of_a_run_above_the_limit_registers_nothing(config: Config) -> None:
    recording = record(stand_up, config(maxSpend=1), "test")
    assert recording.resources == []
    assert recording.error is not None
    assert recording.error.startswith("trainyard:maxSpend")


def test_the_limit_bounds_the_very_number_that_the_receipt_calls_machines() -> None:
    stack = plans.dev()
    made = receipt(stack.resources, stack.run, stack.settings.nodes.idle)
    assert made is not None
    assert made.run.machines == machine_price(stack.run.chosen, stack.settings.nodes.idle).total


def test_a_step_pays_for_its_machine_from_its_start_until_it_has_been_idle() -> None:
    chosen = [step for step in plans.dev().run.chosen if step.name == "train"]
    (short,) = machine_price(chosen, timedelta()).each
    (long,) = machine_price(chosen, timedelta(hours=1)).each
    assert long.hours - short.hours == pytest.approx(1)
    assert (long.dollars or 0) - (short.dollars or 0) == pytest.approx(21.50)


def test_training_for_less_costs_less_as_the_refusal_says(config: Config) -> None:
    most = int(price(config())) + 1
    longer = refused(config(maxSpend=most, parameters={"max_steps": 500}))
    assert longer.startswith("trainyard:maxSpend: a run would cost")
    assert price(config(parameters={"max_steps": 500})) > price(config()) > price(config(parameters={"max_steps": 125}))


@pytest.mark.parametrize(
    ("recipe", "held"),
    [
        ("llama2-7b-ray", "2 × trn1.32xlarge and 2 × m7i.2xlarge"),
        ("llama2-7b-megatron", "2 × trn1.32xlarge and 1 × m7i"),
    ],
)
def test_what_a_launcher_holds_beside_the_nodes_counts_and_is_named(config: Config, recipe: str, held: str) -> None:
    raw = config(recipe=recipe, nodes={"count": 2})
    step = next(step for step in run_of(read(raw)).chosen if step.name == "train")
    (priced,) = machine_price([step], timedelta()).each
    machines = 2 * 21.50 + len(step.beside) * 0.4032
    assert priced.dollars == pytest.approx(machines * priced.hours)
    assert hourly(step) == pytest.approx(machines)
    assert held in refused(config(recipe=recipe, nodes={"count": 2}, maxSpend=1))


def test_what_would_take_longer_than_any_deadline_is_refused_with_the_hours(config: Config) -> None:
    told = refused(config(parameters={"max_steps": 2**24, "block_size": 2**20}))
    assert re.fullmatch(r"trainyard:parameters: the step train would take [\d,]+ hours, and Kubernetes .* do\.", told)
