"""What a component asks for, under the recorder: tests look at requests, and at who waits for whom."""

from collections.abc import Callable, Mapping
from typing import Any

from stacks.config import RawConfig
from stacks.recorder import Recorded, Recording, record


def recorded(program: Callable[[], object], *, preview: bool = True) -> Recording:
    """The recording of a program that makes a component and ends well."""

    def run() -> None:
        program()

    recording = record(run, RawConfig({}, frozenset()), "test", preview=preview)
    assert recording.error is None
    return recording


def all_of(recording: Recording, kind: str) -> list[Recorded]:
    """The resources of type `kind`, or of any type that ends with it after a slash or colon."""
    return [one for one in recording.resources if one.type == kind or one.type.endswith((f"/{kind}", f":{kind}"))]


def only(recording: Recording, kind: str, name: str | None = None) -> Recorded:
    """The one resource of type `kind`, called `name` if there are several."""
    (found,) = [one for one in all_of(recording, kind) if name in (None, one.name)]
    return found


def inputs(recording: Recording, kind: str) -> dict[str, Mapping[str, Any]]:
    return {one.name: one.inputs for one in all_of(recording, kind)}


def waits_for(recording: Recording, name: str) -> set[str]:
    """Names of all resources that must be there before `name` is made, over however many steps."""
    direct = {one.urn: one.depends_on for one in recording.resources}
    names = {one.urn: one.name for one in recording.resources}
    (start,) = [one.urn for one in recording.resources if one.name == name and not one.type.startswith("trainyard:")]
    seen: set[str] = set()
    waiting = list(direct[start])
    while waiting:
        urn = waiting.pop()
        if urn not in seen:
            seen.add(urn)
            waiting += direct.get(urn, ())
    return {names[urn] for urn in seen}
