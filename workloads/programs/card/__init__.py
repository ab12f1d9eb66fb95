"""The run card: what was run, on what, and what came of it, in one file."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..folders import write_atomically

FILE = "run-card.json"


def write(out: Path, folders: Mapping[str, Path], facts: Mapping[str, Any]) -> None:
    """Writes the card into `out`; `folders` are those of the steps, by their names, `facts` what was planned."""
    card = {**facts, "folders": {name: folder.name for name, folder in folders.items()}}
    write_atomically(out / FILE, json.dumps(card, indent=1, sort_keys=True))
