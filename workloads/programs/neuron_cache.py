"""The Neuron compile cache: a folder a compiler version, and in it a folder a graph; and a copy of it that lasts.

A graph's name says what it depends on, `neuronxcc-<version>/MODULE_<graph>+<flags>`, so a copy can be old and never
wrong. Its folder holds the graph itself (model.hlo_module.pb, or a compressed form of it), compile_flags.json, what the
compiler made of it (model.neff) and, written last, an empty model.done. So it is in Hugging Face's public cache of
models compiled by neuronx-cc 2.15 and later, read 2026-11-21.
"""

import os
import shutil
from collections.abc import Collection, Iterable
from pathlib import Path

from .errors import UserError
from .store import Store

VARIABLE = "NEURON_COMPILE_CACHE_URL"
"""Environment variable by which Neuron's libraries are told where the cache is."""

PREFIX = "neuron-cache/"
"""What names in a store begin with."""

COMPILED, DONE = "model.neff", "model.done"
PASSING = (".lock", ".partial")
"""How files end that mean something only while somebody is at work."""


def folder() -> Path:
    """The cache of this machine; UserError where the variable names none, or one that is no folder."""
    address = os.environ.get(VARIABLE, "")
    if not address or "://" in address:
        raise UserError(f"{VARIABLE} is {address or 'not set'}: it has to name a folder, as /shared/neuron-cache.")
    return Path(address)


def graphs(cache: Path) -> set[str]:
    """The names of all graphs in `cache`, compiled or not."""
    return {path.relative_to(cache).as_posix() for path in cache.glob("neuronxcc-*/MODULE_*") if path.is_dir()}


def compiled(cache: Path, names: Iterable[str] | None = None) -> set[str]:
    """The names of those graphs in `cache` that are compiled; of `names` alone, where given.

    A compilation that failed leaves no model.neff, or an empty one.
    """
    return {name for name in (graphs(cache) if names is None else names) if _is_whole(cache / name)}


def _is_whole(graph: Path) -> bool:
    made = graph / COMPILED
    return (graph / DONE).is_file() and made.is_file() and made.stat().st_size > 0


def adopt(source: Path, cache: Path, names: Collection[str]) -> None:
    """Copies the compiled graphs `names` from one cache to another, each whole or not there."""
    for name in sorted(names):
        (cache / name).mkdir(parents=True, exist_ok=True)
        for file in _files(source / name):
            target = cache / name / file.name
            partial = target.with_name(target.name + ".partial")
            shutil.copyfile(file, partial)
            os.replace(partial, target)


def _files(graph: Path) -> list[Path]:
    """What is worth keeping of a graph's folder, its mark last."""
    kept = (path for path in graph.iterdir() if path.is_file() and not path.name.endswith(PASSING))
    return sorted(kept, key=lambda path: (path.name == DONE, path.name))


def pull(store: Store, cache: Path, names: Collection[str] | None = None) -> set[str]:
    """Fetches those of `names`, or of all, that the store has whole and the cache lacks, and says which."""
    stored = _stored(store)
    wanted = {name for name in (stored if names is None else names) if DONE in stored.get(name, ())} - compiled(cache)
    for name in sorted(wanted):
        for file in sorted(stored[name], key=lambda one: (one == DONE, one)):
            store.get(f"{PREFIX}{name}/{file}", cache / name / file)
    return wanted


def push(store: Store, cache: Path, names: Collection[str]) -> set[str]:
    """Stores those of `names` that are compiled here and that the store lacks, and says which."""
    stored = _stored(store)
    fresh = {name for name in compiled(cache, names) if DONE not in stored.get(name, ())}
    for name in sorted(fresh):
        for file in _files(cache / name):
            store.put(file, f"{PREFIX}{name}/{file.name}")
    return fresh


def _stored(store: Store) -> dict[str, set[str]]:
    """The files of every graph in the store, by the graph's name."""
    found: dict[str, set[str]] = {}
    for name in store.sizes(PREFIX):
        graph, _, file = name.removeprefix(PREFIX).rpartition("/")
        found.setdefault(graph, set()).add(file)
    return found
