"""The dev stack with some of its settings changed, recorded: what receipts and critical paths are told of."""

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from stacks import config, program
from stacks.recorder import Recorded, record
from stacks.run import Run
from stacks.settings import Settings, read


@dataclass(frozen=True, slots=True)
class Planned:
    settings: Settings
    run: Run
    resources: list[Recorded]


@cache
def dev() -> Planned:
    return planned()


@cache
def managed() -> Planned:
    return planned(provisioner="managed")


def planned(**changes: Any) -> Planned:
    given = config.from_file("dev")
    raw = replace(given, values={**given.values, **changes})
    settings = read(raw)
    recording = record(program.stand_up, raw, "dev")
    assert recording.error is None
    return Planned(settings, program.run_of(settings), recording.resources)
