"""The step `test` of recipes that pretrain: the loss on held-out blocks, and how the model goes on from prompts."""

from .estimating import limit_hours
from .images import NEURON_TRAINING
from .recipe import Parameters
from .step import Arguments, Folder, Processor, Step

PREFIX = "test_"
ASKED = {"precision", f"{PREFIX}blocks", f"{PREFIX}prompts", f"{PREFIX}max_new_tokens"}
"""Parameters that are arguments of the program, by their names there but for `PREFIX`."""

LOADING_MINUTES = 9.0
"""Weights from the shared volume, 13.5 GB at 146 MB/s, and Python's libraries; with half of that to spare."""
FLOPS = 2e12
"""Operations a second that 32 vCPUs of generation 7 do in bf16."""
BYTES_PER_SECOND = 6.75e10
"""What they read weights at: a token of a generation reads all 13.5 GB of Llama 2 7B in 0.2 s."""


def test_step(
    parameters: Parameters,
    *,
    data: str,
    model: str,
    more: Arguments,
    tuning: Arguments,
    block_tokens: int,
    weights: float,
    least_hours: float,
) -> Step:
    """Tests what the step `model` leaves on what the step `data` held out; `more` arguments change the result too.

    Blocks have `block_tokens` tokens, of which each takes two operations for each of `weights`. It is stopped after
    `least_hours` at the earliest.
    """
    asked = {name.removeprefix(PREFIX): value for name, value in parameters.model_dump(include=ASKED).items()}
    reads = asked["blocks"] * block_tokens * 2 * weights / FLOPS
    goes_on = len(asked["prompts"]) * asked["max_new_tokens"] * 2 * weights / BYTES_PER_SECOND
    minutes = LOADING_MINUTES + (reads + goes_on) / 60
    return Step(
        name="test",
        program="programs.pretraining.test",
        arguments={"data": Folder(data), "model": Folder(model, "model"), **asked, **more},
        tuning=tuning,
        placement=Processor(vcpus=32, memory=100),
        launcher="job",
        image=NEURON_TRAINING,
        minutes=minutes,
        limit_hours=limit_hours(minutes, least_hours),
    )
