"""Where a rehearsal's run card goes, until a run's last step leaves it."""

from collections.abc import Mapping
from pathlib import Path

from workloads.programs import card, folders
from workloads.programs.errors import UserError, disk_full, is_disk_full

from .facts import facts
from .run import Run
from .settings import Settings


def leave(run: Run, settings: Settings, made: Mapping[str, Path], shared: Path) -> Path:
    """Writes the card of `run`, whose steps filled the folders `made`; returns its page."""
    place = shared / "reports" / run.recipe.name
    folders.make(place, f"--folder {shared}")
    try:
        card.write(place, made, facts(run, settings))
    except OSError as error:
        raise UserError(disk_full(place) if is_disk_full(error, place) else f"{place}: {error}.") from None
    return place / card.PAGE_FILE
