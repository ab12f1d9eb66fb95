"""Step `compile`: the training's own graphs, compiled into the shared cache before training needs them.

One of these programs a node under mpirun. What it leaves is in the cache; its folder has only what was said.
"""

import os
import re
import sys
from pathlib import Path

from .. import entry, folders
from ..journal import Journal
from .node import check_together, place
from .pretraining import Arguments, compiling
from .process import Failed, carry_out
from .train import LOGS, log_of

SUMMARY = re.compile(r"Total (?P<what>graphs|successful compilations|failed compilations): (?P<count>\d+)")
"""What neuron_parallel_compile says at its end; its exit status is 0 also where graphs failed."""


def compile_graphs(arguments: Arguments, out: Path) -> None:
    here = place(os.environ)
    check_together(here, arguments.nodes)
    folders.require_done(Path(arguments.data))
    counts: dict[str, int] = {}

    def heard(line: str) -> None:
        match = SUMMARY.search(line)
        if match:
            counts[match["what"]] = int(match["count"])

    carry_out(compiling(arguments, here), log_of(out, here.node), heard)
    failed = counts.get("failed compilations", 0)
    if failed:
        raise Failed(f"error: {failed} of {counts.get('graphs', failed)} graphs were not compiled; the log says why")
    if here.node == 0:
        Journal(out).result(f"{counts.get('successful compilations', 0)} graphs compiled; those known before were kept")


if __name__ == "__main__":
    sys.exit(entry.main(Arguments, compile_graphs, resumable=(LOGS,)))
