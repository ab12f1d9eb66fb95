"""Step `compile`: what the step that trains will compute, compiled before it starts, all graphs side by side.

Compiling as one trains takes the graphs one after another, with every NeuronCore waiting. Here the training program
itself is taken through a few steps while Neuron's libraries note down each graph and run none: its numbers mean
nothing, and nothing of it is kept. What the cache or the store has is not compiled again; the rest is, and goes to
both.

Leaves report.json, and in the cache (NEURON_COMPILE_CACHE_URL) every graph that the training asks for. The store is
what TRAINYARD_RESULTS names; without one, or where it fails, the cache alone is used.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from . import entry, finetune, folders, neuron_cache, store
from .entry import WORK, argument
from .errors import UserError
from .journal import Journal
from .store import Store

EXTRACTING = {
    "NEURON_PARALLEL_COMPILE": "1",
    "NEURON_EXTRACT_GRAPHS_ONLY": "1",
    "NEURON_FALL_BACK_TO_NULL_NEFF": "1",
}
"""What neuron_parallel_compile sets while graphs are noted down, and Ray Train's own Neuron back end too."""

LOOK_EVERY_SECONDS = 1.0


@dataclass
class Arguments(finetune.Arguments):
    """Those of the step that trains, and how many of its steps to take."""

    steps: int = argument("training steps to note down: enough to come by every graph")


@dataclass
class Report:
    """Counts of graphs. `asked` are those that the training will ask for, `hits` those that the cache had already; None
    where nobody counted them."""

    asked: int | None
    hits: int | None
    pulled: int = 0
    compiled: int = 0
    pushed: int = 0
    left: list[str] = field(default_factory=list)
    """Graphs that the compiler failed on."""
    warnings: list[str] = field(default_factory=list)


def compile_graphs(arguments: Arguments, out: Path) -> None:
    if arguments.backend != "neuron":
        raise UserError(f"--backend {arguments.backend}: only a neuron backend has graphs to compile.")
    cache, work = neuron_cache.folder(), out / WORK
    noted = work / "graphs"
    meeting = Meeting(work / "noted")
    if entry.is_first_process():
        meeting.clear()  # before the processes join in a group, which none gets past without this one
    with _environment({**EXTRACTING, neuron_cache.VARIABLE: str(noted)}):
        finetune.trace(arguments, arguments.steps)
    meeting.arrive()
    if entry.is_first_process():
        meeting.wait()
        folders.make(cache, f"{neuron_cache.VARIABLE} {cache}")
        journal = Journal(out)
        report = provide(noted, cache, given_store(), compile_noted, journal)
        (out / "report.json").write_text(json.dumps(asdict(report), indent=1))
        journal.result(in_words(report))


def provide(noted: Path, cache: Path, kept: Store | None, compiler: Callable[[Path], None], journal: Journal) -> Report:
    """Sees to it that `cache` has every graph of `noted`, compiled: by the cache, by the store, or by `compiler`.

    `noted` is a cache of its own. After a kill it may hold graphs that are compiled already; they count as that.
    """
    asked = neuron_cache.graphs(noted)
    hits = neuron_cache.compiled(cache, asked)
    report = Report(asked=len(asked), hits=len(hits))
    journal.say(f"{len(asked)} graphs, {len(hits)} of them in the cache")
    pulled = attempt(kept, "pull from", lambda store: neuron_cache.pull(store, cache, asked - hits), report, journal)
    neuron_cache.adopt(cache, noted, hits | pulled)  # so that the compiler finds them done
    if asked - neuron_cache.compiled(noted):
        compiler(noted)
    fresh = neuron_cache.compiled(noted, asked) - hits - pulled
    neuron_cache.adopt(noted, cache, fresh)
    pushed = attempt(kept, "push to", lambda store: neuron_cache.push(store, cache, asked), report, journal)
    report.pulled, report.compiled, report.pushed = len(pulled), len(fresh), len(pushed)
    report.left = sorted(asked - hits - pulled - fresh)
    journal.log("compile", **asdict(report))
    return report


def attempt(
    kept: Store | None, what: str, move: Callable[[Store], set[str]], report: Report, journal: Journal
) -> set[str]:
    """What `move` moved; a store that fails is told of, and costs no more than time."""
    if kept is None:
        return set()
    try:
        return move(kept)
    except (UserError, OSError, ImportError) as error:
        report.warnings.append(f"could not {what} {kept.address}: {error}")
        journal.say(f"warning: {report.warnings[-1]}")
        return set()


def given_store() -> Store | None:
    """The store that the step was told of."""
    address = os.environ.get(store.ADDRESS, "")
    if not address:
        print(f"{store.ADDRESS} is not set: what is compiled stays in the cache alone.", flush=True)
        return None
    return store.at(address)


def compile_noted(noted: Path) -> None:
    """Runs Neuron's own parallel compiler over the graphs of the cache `noted`."""
    from libneuronxla.neuron_cc_cache import CacheUrl  # pyright: ignore[reportMissingImports]
    from libneuronxla.neuron_parallel_compile import parallel_compile  # pyright: ignore[reportMissingImports]

    scratch = noted.parent / "compiler"
    scratch.mkdir(exist_ok=True)
    parallel_compile(str(scratch), CacheUrl.get_cache_url(str(noted)))


def in_words(report: Report) -> str:
    if not report.asked:
        return "warning: no graph was noted down, so training compiles as it goes"
    text = (
        f"{report.asked} graphs: {report.hits} were in the cache, {report.pulled} pulled, {report.compiled} compiled, "
        f"{report.pushed} pushed"
    )
    return f"{text}; training has to try {len(report.left)} again that failed" if report.left else text


@contextmanager
def _environment(changes: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(changes)
    try:
        yield
    finally:
        for name in changes:
            os.environ.pop(name)
        os.environ.update({name: before[name] for name in changes if name in before})


class Meeting:
    """Where the processes say that they are through. While graphs are only noted down, no barrier of XLA's is one."""

    def __init__(self, folder: Path):
        self._folder = folder

    def clear(self) -> None:
        for path in self._folder.glob("*"):
            path.unlink()

    def arrive(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / os.environ.get("RANK", "0")).touch()

    def wait(self) -> None:
        """Returns when all have arrived. Where one fails, torchrun ends the others, this one too."""
        world = int(os.environ.get("WORLD_SIZE", "1"))
        while len(list(self._folder.iterdir())) < world:
            time.sleep(LOOK_EVERY_SECONDS)


if __name__ == "__main__":
    sys.exit(entry.main(Arguments, compile_graphs, resumable=(WORK,)))
