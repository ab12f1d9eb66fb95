"""Step `compile`: the training's own graphs, compiled side by side before training waits for them; on Trainium alone.

A few steps of the very same program, with the same data and shapes, in which the Neuron runtime only takes the graphs
down; then one worker of each node compiles all that are not in the cache yet (NEURON_COMPILE_CACHE_URL). What the steps
compute is meaningless, so nothing of it is kept.

Which graphs they are is known only once they are taken down, within Ray's workers. So all that the results target has
is pulled into the cache before, and all that is new goes there afterwards.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from .. import entry, folders, neuron_cache, workers
from ..compile import Report, attempt, given_store
from ..entry import WORK, argument
from ..errors import UserError
from ..journal import Journal
from ..store import Store
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
    body = partial(work, shortened(arguments, arguments.compile_steps), model, scratch)
    report = between_stores(lambda: workers.run(body, how, out / WORK), given_store(), Journal(out))
    (out / "report.json").write_text(json.dumps(asdict(report), indent=1))


def between_stores(compiling: Callable[[], None], kept: Store | None, journal: Journal) -> Report:
    """Fills the cache from `kept`, calls `compiling`, and stores what that left in the cache beside."""
    cache, report = neuron_cache.folder(), Report(asked=None, hits=None)
    folders.make(cache, f"{neuron_cache.VARIABLE} {cache}")
    pulled = attempt(kept, "pull from", lambda store: neuron_cache.pull(store, cache), report, journal)
    before = neuron_cache.compiled(cache)
    compiling()
    report.pulled, report.compiled = len(pulled), len(neuron_cache.compiled(cache) - before)
    pushed = attempt(
        kept, "push to", lambda store: neuron_cache.push(store, cache, neuron_cache.compiled(cache)), report, journal
    )
    report.pushed = len(pushed)
    journal.log("compile", **asdict(report))
    journal.result(
        f"{report.compiled} graphs compiled, {len(before)} were in the cache, {report.pulled} of them pulled, "
        f"{report.pushed} pushed"
    )
    return report


if __name__ == "__main__":
    sys.exit(entry.main(Arguments, compile_graphs))
