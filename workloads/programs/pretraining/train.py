"""Step `train`: a Llama from random weights, by Ray Train's workers on all nodes.

Leaves `model/`, `checkpoints/`, `metrics.jsonl` and `tensorboard/` as every training does, and `report.json` and
`report.md`: losses, throughput, model flops utilization and time to train.
"""

import json
import sys
import time
from functools import partial
from pathlib import Path

from .. import blocks, entry, journal, workers
from ..entry import WORK
from ..finetune import RESUMABLE
from ..folders import write_atomically
from . import report
from .worker import Arguments, work, write_config

BEGAN = "began"
"""File with the time at which training first began, in seconds since 1970."""


def pretrain(arguments: Arguments, out: Path) -> None:
    model = out / WORK / "config"
    write_config(arguments, model)
    if not (out / BEGAN).exists():
        write_atomically(out / BEGAN, str(time.time()))
    how = workers.Workers(arguments.workers, arguments.backend == "neuron", arguments.max_failures)
    workers.run(partial(work, arguments, model, out), how, out / WORK)
    _report(arguments, out)


def _report(arguments: Arguments, out: Path) -> None:
    block_size = blocks.read(Path(arguments.data) / "train.npy").shape[1]
    ranks = arguments.workers // arguments.tensor_parallel_degree
    work_done = report.Work(
        tokens_per_step=arguments.micro_batch * arguments.accumulation * ranks * block_size,
        flops_per_token=report.flops_per_token(arguments, block_size),
        peak_tflops=arguments.peak_tflops,
        wall_seconds=time.time() - float((out / BEGAN).read_text()),
    )
    found = report.summary(journal.read(out), work_done)
    write_atomically(out / "report.json", json.dumps(found, indent=1))
    write_atomically(out / "report.md", report.as_text(found))
    journal.Journal(out).result(report.in_words(found))


if __name__ == "__main__":
    sys.exit(entry.main(Arguments, pretrain, resumable=(*RESUMABLE, BEGAN)))
