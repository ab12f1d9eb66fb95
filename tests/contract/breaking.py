"""Ways to break a recorded graph on purpose. Each gives a changed copy: recordings are shared among tests."""

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from components.step import OBJECTS
from stacks.recorder import Recorded, Recording

Edit = Callable[[dict[str, Any]], object]
Break = Callable[[Recording], Recording]


def _each(recording: Recording, change: Callable[[Recorded], Recorded | None]) -> Recording:
    kept = [changed for one in recording.resources if (changed := change(one)) is not None]
    return replace(recording, resources=kept)


def edited(name: str, edit: Edit) -> Break:
    """The inputs of the resource `name` are changed."""

    def change(one: Recorded) -> Recorded:
        if one.name != name or one.type.startswith("trainyard:"):
            return one
        inputs = copy.deepcopy(dict(one.inputs))
        edit(inputs)
        return replace(one, inputs=inputs)

    return lambda recording: _each(recording, change)


def pod(name: str, edit: Edit) -> Break:
    """The pods of the object `name` are changed."""
    return edited(name, lambda inputs: edit(inputs["spec"]["template"]["spec"]))


def step(name: str, edit: Edit) -> Break:
    """The pods of the step `name` are changed, in the manifest that the run will apply."""
    return manifest(name, lambda one: edit(one["spec"]["template"]["spec"]))


def manifest(name: str, edit: Edit) -> Break:
    def in_objects(inputs: dict[str, Any]) -> None:
        objects = json.loads(inputs["data"][OBJECTS])
        edit(objects[-1])
        inputs["data"][OBJECTS] = json.dumps(objects)

    return edited(f"{name}-manifest", in_objects)


def without(name: str) -> Break:
    """The resource `name` is not there."""
    return lambda recording: _each(recording, lambda one: None if one.name == name else one)


def early(names: tuple[str, ...], other: str) -> Break:
    """What `names` begin with waits for `other` no longer, in whatever way it did."""

    def break_(recording: Recording) -> Recording:
        gone = {one.urn for one in recording.resources if one.name == other}

        def change(one: Recorded) -> Recorded:
            if not one.name.startswith(names):
                return one
            return replace(one, depends_on=tuple(urn for urn in one.depends_on if urn not in gone))

        return _each(recording, change)

    return break_


def alone(name: str) -> Break:
    """The resource `name` waits for nothing, and is part of nothing."""

    def change(one: Recorded) -> Recorded:
        if one.name != name:
            return one
        request = copy.deepcopy(one.request)
        request.provider = ""
        return replace(one, depends_on=(), parent="", request=request)

    return lambda recording: _each(recording, change)


def added(name: str, edit: Edit) -> Break:
    """A second resource like `name` is there, changed."""

    def break_(recording: Recording) -> Recording:
        (one,) = [one for one in recording.resources if one.name == name and not one.type.startswith("trainyard:")]
        inputs = copy.deepcopy(dict(one.inputs))
        edit(inputs)
        more = replace(one, urn=f"{one.urn}-2", name=f"{name}-2", inputs=inputs)
        return replace(recording, resources=[*recording.resources, more])

    return break_
