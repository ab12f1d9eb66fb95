"""What is kept of a run: the manifest that is written last, and how it is found and held against what is there.

Below a results target a run lies at `runs/<stack>/<recipe>/<run>/`: its files, and `manifest.json`, which lists them.
Without the manifest the run is not kept, whatever else is there.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Any

from .errors import UserError

FILE = "manifest.json"
ROOT = "runs/"
"""Below this all runs are, so that a listing sees nothing else that a target may hold."""

VERSION = 1


@dataclass(frozen=True)
class Kept:
    """One file: its size in bytes, and its SHA-256 in hexadecimal digits."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """`steps` has the hash of each step that the files came from; `files` are named from the run's own place.

    `time` is when all was there, in UTC as ISO 8601 has it.
    """

    stack: str
    recipe: str
    run: str
    time: str
    steps: Mapping[str, str]
    files: Mapping[str, Kept]

    @property
    def place(self) -> str:
        return place(self.stack, self.recipe, self.run)

    @property
    def bytes(self) -> int:
        return sum(kept.bytes for kept in self.files.values())

    def text(self) -> str:
        return json.dumps({"version": VERSION, **asdict(self)}, indent=1, sort_keys=True)

    def damage(self, there: Mapping[str, int]) -> "str | None":
        """What is wrong with files of the sizes `there`, by name, in words that follow "the run …"; None if nothing."""
        for name, kept in self.files.items():
            if name not in there:
                return f"has lost {name}"
            if there[name] != kept.bytes:
                return f"has {name} with {there[name]:,} bytes instead of {kept.bytes:,}"
        return None


def place(stack: str, recipe: str, run: str) -> str:
    """Where a run lies below a target, with "/" at its end."""
    return f"{ROOT}{stack}/{recipe}/{run}/"


def parse(text: "str | bytes", named: str) -> Manifest:
    """The manifest that `text` is; UserError, with `named`, where it is none or names a file outside its own place."""
    try:
        values = json.loads(text)
        if values["version"] != VERSION:
            raise UserError(f"{named}: is of version {values['version']}, and this Trainyard reads {VERSION}.")
        files = {str(name): Kept(int(one["bytes"]), str(one["sha256"])) for name, one in values["files"].items()}
        made = Manifest(files=files, **{name: _typed(values, name) for name in ("steps", *TEXTS)})
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UserError(f"{named}: is no manifest that can be read.") from None
    for name in files:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts or "\\" in name:
            raise UserError(f"{named}: names the file {name!r}, which lies outside the run.")
    return made


TEXTS = ("stack", "recipe", "run", "time")


def _typed(values: Mapping[str, Any], name: str) -> Any:
    return str(values[name]) if name in TEXTS else {str(key): str(one) for key, one in values[name].items()}
