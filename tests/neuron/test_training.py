"""The Neuron backend trains as the CPU one does, and resumes as if nothing had been."""

from pathlib import Path
from typing import Any

import pytest

from workloads.programs.finetune import CHECKPOINTS

from .conftest import Neuron, Trained
from .curves import curve, losses, resumed_at
from .trainings import Training

pytestmark = pytest.mark.timeout(1200)  # the libraries alone take half a minute to import, several times

ROUNDING = 1e-4
"""How far apart losses may be, relative to them: both add in fp32, in orders of their own, and so learn."""

OF_THEIR_OWN = 0.05
"""Adapters begin at random weights that each library draws for itself: what is learned is the same."""


@pytest.mark.parametrize(
    ("name", "changes", "tolerance"),
    [
        ("adapters", {"lora_dropout": 0.0}, OF_THEIR_OWN),
        ("dolly", {}, ROUNDING),
        ("pretraining", {}, ROUNDING),
        ("pretraining", {"activation_checkpointing": "full"}, ROUNDING),
    ],
    ids=["adapters", "every weight", "random weights", "activations computed twice"],
)
def test_its_losses_are_the_cpu_backends_on_the_same_weights_and_data(
    trained: Trained, trainings: dict[str, Training], name: str, changes: dict[str, Any], tolerance: float
) -> None:
    there = trained(name, **changes)["out"]
    here = trainings[name].run_here(trained(name, **changes))["out"]
    assert [one[:2] for one in curve(there)] == [one[:2] for one in curve(here)]
    assert losses(there) == pytest.approx(losses(here), rel=tolerance)
    assert losses(there)[-1] < losses(there)[0]


@pytest.mark.parametrize("name", ["adapters", "dolly", "pretraining"])
def test_a_killed_training_takes_the_very_steps_of_an_unbroken_one(
    neuron: Neuron, trained: Trained, trainings: dict[str, Training], name: str, tmp_path: Path
) -> None:
    whole = trained(name)
    broken = {**whole, "out": tmp_path / "broken"}
    program = trainings[name].program.name
    neuron.kill_when(program, broken, lambda: any((broken["out"] / CHECKPOINTS).glob("step-*6")))
    neuron.run(program, broken)
    assert resumed_at(broken["out"])
    assert curve(broken["out"]) == curve(whole["out"])
