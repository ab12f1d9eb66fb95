"""What a results target holds: its runs, whether they are whole, and how to fetch one. Nothing else is asked for it."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from workloads.programs import folders, manifest, store
from workloads.programs.errors import UserError
from workloads.programs.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Found:
    """One run at a target. `manifest` is None where it cannot be read; `damage` follows "the run …", None if whole."""

    stack: str
    recipe: str
    run: str
    bytes: int
    manifest: Manifest | None
    damage: str | None

    @property
    def name(self) -> str:
        return f"{self.stack}/{self.recipe}/{self.run}"

    @property
    def place(self) -> str:
        return manifest.place(self.stack, self.recipe, self.run)


def runs(target: store.Store, stack: str | None = None) -> list[Found]:
    """The runs at `target`, of `stack` alone if given, the newest first; those without a manifest come last."""
    _require(target)
    listed = target.sizes(manifest.ROOT + (f"{stack}/" if stack else ""))
    by_run: dict[tuple[str, str, str], dict[str, int]] = defaultdict(dict)
    for name, size in listed.items():
        parts = name.removeprefix(manifest.ROOT).split("/", 3)
        if len(parts) == 4:
            by_run[parts[0], parts[1], parts[2]][parts[3]] = size
    found = [_found(target, run, there) for run, there in by_run.items()]
    return sorted(found, key=lambda one: one.manifest.time if one.manifest else "", reverse=True)


def _require(target: store.Store) -> None:
    """A folder that nobody made yet is empty to those who write; to those who read it is a name mistyped."""
    if isinstance(target, store.Directory) and not Path(target.address).is_dir():
        raise UserError(f"there is no folder {target.address}. Name the results target: a folder, or s3://bucket.")


def _found(target: store.Store, run: tuple[str, str, str], there: Mapping[str, int]) -> Found:
    try:
        made, damage = examined(target, manifest.place(*run), there)
    except UserError:
        made, damage = None, f"has a {manifest.FILE} that cannot be read"
    sent = sum(size for name, size in there.items() if name != manifest.FILE)
    return Found(*run, made.bytes if made else sent, made, damage)


def examined(target: store.Store, place: str, there: Mapping[str, int]) -> tuple[Manifest | None, str | None]:
    """The manifest of the run at `place`, and what is wrong with the run, in words that follow "the run …".

    `there` has the bytes of what lies at `place`, by its name below that. UserError for a manifest that can't be read.
    """
    if manifest.FILE not in there:
        return None, f"has no {manifest.FILE}: it was not sent to its end"
    made = manifest.parse(target.read(place + manifest.FILE), f"{target.address}/{place}{manifest.FILE}")
    if made.place != place:
        return None, f"has the {manifest.FILE} of another run, {made.place}"
    return made, made.damage(there)


def choose(found: Sequence[Found], wanted: str) -> Found:
    """The run that `wanted` names, by its hash, a beginning of that, or as stack/recipe/run; UserError if not one."""
    fits = [one for one in found if one.name == wanted or ("/" not in wanted and one.run.startswith(wanted))]
    if len(fits) == 1:
        return fits[0]
    told = ", ".join(one.name for one in (fits or found)) or "none"
    if not fits:
        raise UserError(f"there is no run {wanted!r}. Runs there: {told}.")
    raise UserError(f"{wanted!r} fits several runs: {told}. Name one of them in full.")


def verify(target: store.Store, run: Found, looked: Callable[[str], None]) -> list[str]:
    """Reads every file of a run anew; what is wrong, in words that follow "the run …". `looked` is told each name."""
    if run.manifest is None:
        return [run.damage or ""]
    there = target.sizes(run.place)
    wrong: list[str] = []
    for name, kept in run.manifest.files.items():
        looked(name)
        if run.place + name not in there:
            wrong.append(f"has lost {name}")
        elif target.computed(run.place + name) != kept.sha256:
            wrong.append(f"has a {name} whose SHA-256 is not what was stored")
    return wrong


def fetch(target: store.Store, run: Found, to: Path, fetched: Callable[[str, bool], None]) -> None:
    """Brings a run's files into the folder `to`, each checked, the manifest last.

    What is there already with the right SHA-256 stays, so that the same call goes on where an earlier one ended.
    `fetched` is told each file's name, and whether it was there. UserError for a file that is not what was stored, and
    for a run without a manifest; OSError where the disk is full.
    """
    if run.manifest is None:
        raise UserError(f"the run {run.name} {run.damage}. There is nothing to check its files against.")
    folders.make(to, f"--to {to}")
    for name, kept in run.manifest.files.items():
        place = to / name
        was_there = place.is_file() and place.stat().st_size == kept.bytes and store.digest(place) == kept.sha256
        if not was_there and target.get(run.place + name, place) != kept.sha256:
            place.unlink()
            raise UserError(
                f"{target.address}/{run.place}{name}: its SHA-256 is not the one in the manifest. The file was damaged "
                "after it was stored; an S3 bucket may still have its earlier version."
            )
        fetched(name, was_there)
    folders.write_atomically(to / manifest.FILE, run.manifest.text())
