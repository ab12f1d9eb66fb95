"""The step `test` of recipes that pretrain: the loss on held-out blocks, and how the model goes on from prompts."""

from .images import NEURON_TRAINING
from .recipe import Parameters
from .step import Arguments, Folder, Processor, Step

PREFIX = "test_"
ASKED = {"precision", f"{PREFIX}blocks", f"{PREFIX}prompts", f"{PREFIX}max_new_tokens"}
"""Parameters that are arguments of the program, by their names there but for `PREFIX`."""


def test_step(
    parameters: Parameters, *, data: str, model: str, more: Arguments, tuning: Arguments, minutes: int, limit_hours: int
) -> Step:
    """Tests what the step `model` leaves on what the step `data` held out; `more` arguments change the result too."""
    asked = {name.removeprefix(PREFIX): value for name, value in parameters.model_dump(include=ASKED).items()}
    return Step(
        name="test",
        program="programs.pretraining.test",
        arguments={"data": Folder(data), "model": Folder(model, "model"), **asked, **more},
        tuning=tuning,
        placement=Processor(vcpus=32, memory=100),
        launcher="job",
        image=NEURON_TRAINING,
        minutes=minutes,
        limit_hours=limit_hours,
    )
