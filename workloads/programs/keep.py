"""Step `keep`, every recipe's last: the run card is written, and what is worth keeping goes to the results target.

A file that is there already, with the same size and SHA-256, is not sent again, so that a killed step goes on where it
was. The manifest is written last, when a listing has shown every file: only then is the run kept.
"""

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from . import card, entry, folders, store
from .entry import argument
from .errors import UserError
from .journal import Journal
from .manifest import FILE, Kept, Manifest
from .training.checkpoints import Checkpoints, OneProcess

STACK = "TRAINYARD_STACK"
"""Environment variable: the stack that the run belongs to."""

CARD = "card"


@dataclass
class Arguments:
    out: str = argument("folder of this step, named keep-<hash>: the hash is the run's own")
    recipe: str = argument("the recipe's name")
    steps: list[str] = argument("the folders of the steps that it came from, each as name=folder")
    facts: str = argument("what was planned, as a JSON object, for the run card")
    keep: list[str] = field(
        default_factory=list, metadata={"help": "what to keep beside the card, each as name=folder or name=file"}
    )


def keep(arguments: Arguments, out: Path) -> None:
    journal = Journal(out)
    target = store.at(_required(store.ADDRESS))
    steps = {name: folders.require_done(folder) for name, folder in _named(arguments.steps).items()}
    (out / CARD).mkdir()
    card.write(out / CARD, steps, json.loads(arguments.facts))
    files = dict(found({**_named(arguments.keep), CARD: out / CARD}))
    meant = Manifest(
        stack=_required(STACK),
        recipe=arguments.recipe,
        run=_hash(out),
        time=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        steps={name: _hash(folder) for name, folder in steps.items()},
        files={},
    )
    made = send(files, meant, target, journal)
    (out / FILE).write_text(made.text())
    target.put(out / FILE, made.place + FILE)
    journal.result(f"{len(made.files)} files, {made.bytes / 1e6:,.1f} MB, kept at {target.address}/{made.place}")


def found(kept: Mapping[str, Path]) -> Iterator[tuple[str, Path]]:
    """Each file with the name that it is kept under: that of its folder, and its own path in that.

    Of a folder of checkpoints only the newest whole one is meant. Markers go along, so that what is fetched is done.
    """
    for name, place in kept.items():
        if place.is_file():
            yield f"{name}/{place.name}", place
            continue
        top = _newest(place)
        if not top.is_dir():
            raise UserError(f"{place} is to be kept and is not there. Delete its step's folder, and run again.")
        for file in _files(top):
            yield f"{name}/{file.relative_to(place).as_posix()}", file


def _newest(folder: Path) -> Path:
    newest = Checkpoints(folder, 1, OneProcess()).newest() if folder.is_dir() else None
    return newest[1] if newest else folder


def _files(folder: Path) -> Iterable[Path]:
    """What is below `folder`, but for hidden files: those are passing things."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return (path for path in files if not any(part.startswith(".") for part in path.relative_to(folder).parts))


def send(files: Mapping[str, Path], meant: Manifest, target: store.Store, journal: Journal) -> Manifest:
    """Sends what is not there yet, and removes what is there and no longer meant; `meant` with the files, all there.

    UserError where the target, asked afterwards, does not have them all.
    """
    there = target.sizes(meant.place)
    kept: dict[str, Kept] = {}
    for count, (name, file) in enumerate(files.items(), start=1):
        kept[name] = _sent(file, meant.place + name, there, target)
        journal.progress(count, len(files), "files")
    for name in there.keys() - {meant.place + name for name in (*kept, FILE)}:
        target.remove(name)
    made = Manifest(meant.stack, meant.recipe, meant.run, meant.time, meant.steps, kept)
    damage = made.damage({name.removeprefix(made.place): size for name, size in target.sizes(made.place).items()})
    if damage:
        raise UserError(f"{target.address}/{made.place}: the run, sent just now, {damage}. Does somebody delete there?")
    return made


def _sent(file: Path, name: str, there: Mapping[str, int], target: store.Store) -> Kept:
    size = file.stat().st_size
    if there.get(name) == size:
        known = store.digest(file)
        if target.recorded(name) == known:
            return Kept(size, known)
    return Kept(size, target.put(file, name))


def _required(variable: str) -> str:
    value = os.environ.get(variable)
    if not value:
        raise UserError(f"{variable} is not set: the launcher that starts this step sets it.")
    return value


def _named(pairs: Iterable[str]) -> dict[str, Path]:
    return {name: Path(place) for name, _, place in (pair.partition("=") for pair in pairs)}


def _hash(folder: Path) -> str:
    return folder.name.rpartition("-")[2]


if __name__ == "__main__":
    sys.exit(entry.main(Arguments, keep))
