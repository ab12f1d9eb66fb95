"""Step `compile`: the training's own graphs, compiled side by side before training waits for them; on Trainium alone.

A few steps of the very same program, with the same data and shapes, in which the Neuron runtime only takes the graphs
down; then one worker of each node compiles all that are not in the cache yet (NEURON_COMPILE_CACHE_URL). What the steps
compute is meaningless, so nothing of it is kept.
"""

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from .. import entry, workers
from ..entry import WORK, argument
from ..errors import UserError
from ..journal import Journal
from .worker import Arguments as Train
from .worker import shortened, work, write_config


@dataclass
class Arguments(Train):
    compile_steps: int = argument("steps to take the graphs down in")


def compile_graphs(arguments: Arguments, out: Path) -> None:
    if arguments.backend != "neuron":
        raise UserError("There is nothing to compile on a processor: leave the step out.")
    scratch = out / WORK / "train"
    model = out / WORK / "config"
    scratch.mkdir(parents=True, exist_ok=True)
    write_config(arguments, model)
    how = workers.Workers(arguments.workers, True, arguments.max_failures, extract_graphs=True)
    workers.run(partial(work, shortened(arguments, arguments.compile_steps), model, scratch), how, out / WORK)
    Journal(out).result(f"the graphs of {arguments.compile_steps:,} steps are in the cache")


if __name__ == "__main__":
    sys.exit(entry.main(Arguments, compile_graphs))
