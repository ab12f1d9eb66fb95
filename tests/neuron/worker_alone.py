"""The pretraining's step `train` with one worker and no Ray: this process is the worker."""

import sys
from pathlib import Path

from workloads.programs import entry
from workloads.programs.entry import WORK
from workloads.programs.finetune import RESUMABLE
from workloads.programs.pretraining.worker import Arguments, work, write_config


def pretrain(arguments: Arguments, out: Path) -> None:
    config = out / WORK / "config"
    write_config(arguments, config)
    work(arguments, config, out)


if __name__ == "__main__":
    sys.exit(entry.main(Arguments, pretrain, resumable=RESUMABLE))
