"""How long a step was at work, from the signs it left: its starts, its journal, its marker."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ..folders import ended, starts


@dataclass(frozen=True, slots=True)
class Passed:
    """Times in seconds since 1970. `seconds` is time at work: what lies between a kill and the next start is not."""

    starts: int
    began: float | None
    ended: float | None
    seconds: float | None


NOTHING = Passed(0, None, None, None)


def passed(folder: Path, events: Sequence[Mapping[str, Any]]) -> Passed:
    """Of the step in `folder`, whose journal is `events`.

    What a killed training did after its last checkpoint was taken out of the journal, and is not counted.
    """
    begun, end = starts(folder), ended(folder)
    heard = [event["at"] for event in events if "at" in event]
    first = begun[0] if begun else min(heard, default=None)
    if first is None:
        return Passed(0, None, end, None)
    # a training that goes on from an earlier one's checkpoints has taken over its events as well
    signs = sorted({*begun, *(at for at in heard if at >= first), *([end] if end else ())})
    gaps = (after - before for before, after in itertools.pairwise(signs) if after not in begun)
    return Passed(max(1, len(begun)), first, end, sum(gaps))


def stamp(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
