"""Looking again and again, and showing what is new."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from rich.console import Console
from rich.live import Live

from workloads.programs.run.api import RefusedError, UnreachableError

from .picture import Picture, Sight, picture
from .show import changes, frame, say

LOOK_SECONDS = 2.0
"""Between two looks: an API server gets no more than one list of a kind in that time."""


class Source(Protocol):
    def look(self) -> Sight: ...


def pictures(
    source: Source,
    show: Callable[[Picture], None],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Picture:
    """Shows one picture after another until the run has ended; returns the last.

    A look that fails is tried again, but for the first: what never answered was wrongly named.
    """
    last: Picture | None = None
    while True:
        begun = clock()
        try:
            last = picture(source.look())
        except (UnreachableError, RefusedError) as error:
            if last is None:
                raise
            last = replace(last, trouble=str(error))
        show(last)
        if last.verdict.ok is not None:
            return last
        sleep(max(0.0, begun + LOOK_SECONDS - clock()))


def live(source: Source, console: Console) -> Picture:
    """In a terminal: one frame that changes in its place, and stays when all is over."""
    with Live(console=console, auto_refresh=False, transient=False) as shown:
        return pictures(source, lambda one: shown.update(frame(one, console.height), refresh=True))


def lines(source: Source, console: Console) -> Picture:
    """Anywhere else: a line for each change."""
    before: list[Picture | None] = [None]

    def show(one: Picture) -> None:
        say(console, changes(before[0], one))
        before[0] = one

    return pictures(source, show)
