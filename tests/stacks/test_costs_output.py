"""The output `costs`: what `trainyard plan` tells, from the very resources that the running program declares."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from stacks import config as configs
from stacks.config import RawConfig
from stacks.plan import make_plan
from stacks.plan_words import money
from stacks.program import stand_up
from stacks.recorder import Recording, record

Config = Callable[..., RawConfig]


def dev(**changes: Any) -> Recording:
    given = configs.from_file("dev")
    open_model = {"parameters": {"model": "open/llama", "tokenizer": "open/llama"}}
    return record(stand_up, replace(given, values={**given.values, **open_model, **changes}), "dev")


def test_the_outputs_say_what_plan_says() -> None:
    made = make_plan("dev")
    assert made.receipt
    told = made.outputs["costs"]
    assert told["run"] == money(made.receipt.run.total)
    assert told["runMachines"] == money(made.receipt.run.machines)
    assert told["hourWhileTraining"] == money(made.receipt.training)
    assert told["hourWhileIdle"] == money(made.receipt.idle)
    assert told["hourAfterScaleDown"] == money(made.receipt.scaled_down)
    assert told["monthIfForgotten"] == money(made.receipt.month)
    assert told["prices"] == made.prices
    assert any(character.isdigit() for character in told["prices"])


@pytest.mark.parametrize("provisioner", ["karpenter", "managed"])
def test_all_that_is_declared_is_in_it_whatever_is_declared_last(provisioner: str) -> None:
    """A workbench that holds devices comes at the very end of the program, and costs a node around the clock."""
    bench = {"enabled": True, "devices": True}
    without, held = (dev(provisioner=provisioner, **one).outputs["costs"] for one in ({}, {"workbench": bench}))
    assert float(held["hourAfterScaleDown"]) - float(without["hourAfterScaleDown"]) > 21


def test_a_price_that_is_not_listed_is_said() -> None:
    assert dev(nodes={"instanceType": "trn2.48xlarge"}).outputs["costs"]["run"] == "not listed"


def test_in_a_cluster_of_ones_own_the_runs_machines_are_told_alone(config: Config) -> None:
    place = {"claim": "shared", "namespace": "team", "operators": ["kuberay", "mpi-operator", "volcano"]}
    images = {"neuron-training": "registry.example.com/training:1"}
    recording = record(stand_up, config(platform="existing", existing=place, images=images), "test")
    assert set(recording.outputs["costs"]) == {"runMachines", "prices"}


def test_this_machine_has_no_costs(config: Config) -> None:
    assert "costs" not in record(stand_up, config(platform="local"), "test").outputs


def test_nothing_is_declared_for_it() -> None:
    with_costs = [one.urn for one in dev().resources]
    assert len(with_costs) == len(set(with_costs)) == len(make_plan("dev").resources)
