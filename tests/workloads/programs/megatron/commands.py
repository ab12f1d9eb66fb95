"""Arguments of the Megatron recipe's programs, for the tests: those of the recipe's own rehearsal, changed."""

from typing import Any

from workloads.programs.megatron.pretraining import Arguments
from workloads.recipes.megatron.parameters import Megatron
from workloads.recipes.megatron.steps import TRAIN_ARGUMENTS


def arguments(**changes: Any) -> Arguments:
    """Those of a training on four nodes of 32 NeuronCores with the recipe's defaults."""
    return Arguments(**{**PLACES, **MACHINES, **Megatron().model_dump(include=TRAIN_ARGUMENTS | KEPT), **changes})


KEPT = {"checkpoint_every", "keep_checkpoints"}
PLACES = {
    "out": "/shared/runs/llama2-7b-megatron/train-0123456789",
    "data": "/shared/runs/llama2-7b-megatron/tokenize-0123456789",
    "tokenizer": "/shared/runs/llama2-7b-megatron/tokenizer-0123456789",
    "resume_from": "",
}
MACHINES = {"nodes": 4, "processes": 32, "efa": True}
