"""The run card: what a run was and what came of it, as `run-card.json` for programs and `run-card.html` for people.

`write` leaves both. It reads the steps' folders alone, and `facts`: what the folders cannot tell. All of these may be
left out, and are then told to be unknown:

- `recipe`, `platform`, `config` and `parameters` (by name), `versions` and `images` (by name)
- `prices`: `region` and `date` of what the machines cost
- `data`: the step that prepared the data, `peak_source`: where the machines' peak speed is from
- `steps`, in order: `name`, `hash`, `machine`, `nodes`, `dollars_per_hour` and `peak_tflops` of one machine,
  `expected_minutes`, and for a training `operations`: floating-point operations for each weight and token
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..folders import write_atomically
from .contents import SCHEMA, collect
from .pages import page

JSON_FILE = "run-card.json"
PAGE_FILE = "run-card.html"


def write(out: Path, folders: Mapping[str, Path], facts: Mapping[str, Any]) -> None:
    """Leaves both files in `out`. `folders` has each step's folder by its name; one need not be done, or there."""
    card = collect(folders, facts)
    out.mkdir(parents=True, exist_ok=True)
    write_atomically(out / JSON_FILE, json.dumps(card, indent=1, ensure_ascii=False) + "\n")
    write_atomically(out / PAGE_FILE, page(card))


def read(place: Path) -> dict[str, Any]:
    """The card in a file, or in a folder that has one; UserError for anything else."""
    file = place / JSON_FILE if place.is_dir() else place
    try:
        card = json.loads(file.read_text())
    except FileNotFoundError:
        raise UserError(f"there is no {file}. A run leaves it at its end; `trainyard rehearse` does so too.") from None
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}.") from None
    except ValueError:
        raise UserError(f"{file} is no run card: it holds no JSON. Name a {JSON_FILE}, or a folder with one.") from None
    if not isinstance(card, dict) or not isinstance(card.get("schema"), int):
        raise UserError(f"{file} is no run card: it has no schema version. Name a {JSON_FILE}, or a folder with one.")
    if card["schema"] != SCHEMA:
        raise UserError(f"{file} is a run card of schema {card['schema']}; this Trainyard reads {SCHEMA}.")
    return card
