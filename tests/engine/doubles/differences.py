"""What changed between two sets of inputs, and what of it makes the engine replace the resource."""

from collections.abc import Callable, Iterator
from itertools import zip_longest
from typing import Any

from pulumi.runtime.proto import provider_pb2

Path = tuple[str | int, ...]
_Change = tuple[Path, provider_pb2.PropertyDiff.Kind.ValueType, Any]

_MISSING = object()


def response(old: Any, new: Any, replaces: Callable[[Path, Any], bool]) -> provider_pb2.DiffResponse:
    """The engine's answer; `replaces` says it of each changed path and the value that comes there, None if it goes."""
    answer = provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE, hasDetailedDiff=True)
    for path, kind, value in _changes(old, new, ()):
        answer.changes = provider_pb2.DiffResponse.DIFF_SOME
        replaced = replaces(path, value)
        name = text(path)
        # each kind is followed by the same with a replacement
        changed = provider_pb2.PropertyDiff.Kind.values()[kind + 1] if replaced else kind
        answer.detailedDiff[name].CopyFrom(provider_pb2.PropertyDiff(kind=changed, inputDiff=True))
        if replaced:
            answer.replaces.append(name)
    return answer


def _changes(old: Any, new: Any, path: Path) -> Iterator[_Change]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            yield from _changes(old.get(key, _MISSING), new.get(key, _MISSING), (*path, key))
    elif isinstance(old, list) and isinstance(new, list):
        for number, (before, after) in enumerate(zip_longest(old, new, fillvalue=_MISSING)):
            yield from _changes(before, after, (*path, number))
    elif new is _MISSING:
        yield path, provider_pb2.PropertyDiff.DELETE, None
    elif old is _MISSING:
        yield path, provider_pb2.PropertyDiff.ADD, new
    elif old != new:
        yield path, provider_pb2.PropertyDiff.UPDATE, new


def text(path: Path) -> str:
    """The path as the engine writes it: spec.containers[0], metadata.annotations["a.b/c"]."""
    name = ""
    for one in path:
        if isinstance(one, int):
            name += f"[{one}]"
        elif set(one) & set('."[]'):
            name += '["{}"]'.format(one.replace('"', '\\"'))
        else:
            name += f".{one}" if name else one
    return name
