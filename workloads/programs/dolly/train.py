"""Step `train`: every weight of a Llama on the prepared texts, for so many times through them or so many steps."""

import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from .. import blocks, entry, finetune, folders
from ..entry import argument
from ..errors import UserError
from ..finetune import RESUMABLE
from ..training.schedule import Sampler


@dataclass
class Arguments(finetune.Arguments):
    epochs: int = argument("times through the data, where max_steps is 0")


def train(arguments: Arguments, out: Path) -> None:
    data = folders.require_done(Path(arguments.data))
    steps = arguments.max_steps or steps_of(arguments, len(blocks.read(data / "train.npy")))
    finetune.finetune(replace(arguments, max_steps=steps), out)


def steps_of(arguments: Arguments, blocks_: int) -> int:
    """Optimizer steps that go `epochs` times through `blocks_`, whole global batches alone; UserError for less than 1.

    Of the processes that train, tensor_parallel_degree hold a copy of the model together.
    """
    ranks = int(os.environ.get("WORLD_SIZE", "1")) // arguments.tensor_parallel_degree
    sampler = Sampler(blocks_, arguments.micro_batch, arguments.accumulation, ranks, arguments.seed)
    if sampler.steps_per_epoch == 0:
        raise UserError(
            f"A step reads {sampler.global_batch} blocks ({sampler.micro_batch} a micro-batch × {sampler.accumulation} "
            f"accumulated × {ranks} data-parallel ranks), but the data has {blocks_}. Give more data, or lower "
            "parameters.accumulation."
        )
    return arguments.epochs * sampler.steps_per_epoch


if __name__ == "__main__":
    sys.exit(entry.main(Arguments, train, resumable=RESUMABLE))
