"""The Neuron backend trains as the CPU one does, and resumes as if nothing had been."""

from pathlib import Path
from typing import Any

import pytest

from workloads.programs import hub
from workloads.programs.backends.weights import draw
from workloads.programs.finetune import CHECKPOINTS
from workloads.programs.pretraining import worker

from .conftest import Neuron, Trained
from .curves import curve, losses, resumed_at
from .trainings import Arguments, Make, Training

pytestmark = pytest.mark.timeout(1200)  # the libraries alone take half a minute to import, several times

ROUNDING = 1e-5
"""How far apart losses may be, relative to them: both add in fp32, in orders of their own, and so learn."""

OF_THEIR_OWN = 0.05
"""Where each backend draws random weights of its own (of adapters, or of the two matrices that Neuron's Llama has as
one): what is learned is the same."""


@pytest.fixture
def random_weights(pretrain_arguments: Make, tmp_path: Path) -> Path:
    """The folder of a model such as a pretraining begins with."""
    arguments = worker.Arguments(**pretrain_arguments())
    worker.write_config(arguments, tmp_path / "config")
    model = hub.make_model(str(tmp_path / "config"), "fp32")
    draw(model, model.config.initializer_range, arguments.seed, shard=0)
    model.save_pretrained(tmp_path / "weights")
    return tmp_path / "weights"


@pytest.mark.parametrize(
    ("name", "changes", "tolerance"),
    [
        ("adapters", {"lora_dropout": 0.0}, OF_THEIR_OWN),
        ("dolly", {}, ROUNDING),
        ("dolly", {"gradient_checkpointing": True}, ROUNDING),
        ("pretraining", {}, OF_THEIR_OWN),
    ],
    ids=["adapters", "dolly", "dolly-twice", "pretraining"],
)
def test_its_losses_are_the_cpu_backends_on_the_same_weights_and_data(
    trained: Trained, trainings: dict[str, Training], name: str, changes: dict[str, Any], tolerance: float
) -> None:
    assert_alike(trainings[name], trained(name, **changes), tolerance)


def test_from_the_same_weights_a_pretraining_loses_what_the_cpu_backends_does(
    trained: Trained, trainings: dict[str, Training], random_weights: Path
) -> None:
    assert_alike(trainings["pretraining"], trained("pretraining", weights=random_weights), ROUNDING)


def assert_alike(training: Training, arguments: Arguments, tolerance: float) -> None:
    """Its losses on Neuron are those of the same training by the CPU backend, and fall."""
    there, here = arguments["out"], training.run_here(arguments)["out"]
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
