"""The pretraining's step `train` with one worker and no Ray: this process is the worker."""

import dataclasses
import sys
from dataclasses import dataclass
from pathlib import Path

from workloads.programs import entry, finetune
from workloads.programs.entry import WORK, argument
from workloads.programs.finetune import RESUMABLE
from workloads.programs.pretraining import worker


@dataclass
class Arguments(worker.Arguments):
    weights: str = argument("folder of a model to begin with; empty for random weights, as always but in these tests")


def pretrain(arguments: Arguments, out: Path) -> None:
    config = out / WORK / "config"
    worker.write_config(arguments, config)
    spec = worker.from_random_weights(arguments, config)
    if arguments.weights:
        spec = dataclasses.replace(spec, name=arguments.weights, drawn=None)
    finetune.train_model(arguments, spec, out)


if __name__ == "__main__":
    sys.exit(entry.main(Arguments, pretrain, resumable=RESUMABLE))
