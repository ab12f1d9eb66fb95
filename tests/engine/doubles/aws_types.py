"""Which inputs the Python SDKs of pulumi-aws and pulumi-eks declare for a resource or function, and of which types."""

import enum
import functools
import importlib
import inspect
import re
import sys
import typing
from collections.abc import Iterator, Mapping, Sequence
from types import UnionType
from typing import Any, Union

import pulumi
from pulumi.runtime import rpc

from .differences import Path
from .provider import UNKNOWN

Problem = tuple[Path, str]


class UnknownTypeError(Exception):
    """The SDK has no resource or function of that token."""


def problems(token: str, inputs: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with a resource's inputs, each with the path of the property; unknown values are right."""
    return list(_of_object(inputs, arguments(token), ()))


def invoke_problems(token: str, inputs: Mapping[str, Any]) -> list[Problem]:
    """The same of a function's arguments."""
    return list(_of_object(inputs, _parameters(token), ()))


@functools.cache
def resource_class(token: str) -> type:
    """aws:ec2/subnet:Subnet is pulumi_aws.ec2.Subnet."""
    package, module, _ = token.split(":")
    importlib.import_module(f"pulumi_{package}")
    found: Any = rpc.get_resource_module(package, module, "")
    if found is None or token not in found.mod_info["classes"]:
        raise UnknownTypeError(f"pulumi_{package} declares no resource {token}")
    return getattr(importlib.import_module(found.mod_info["fqn"]), found.mod_info["classes"][token])


@functools.cache
def arguments(token: str) -> dict[str, Any]:
    """The resource's inputs and their declared types."""
    made = resource_class(token)
    beside = vars(sys.modules[made.__module__])
    # BucketVersioningArgs is an input's type; the resource's arguments have another name then
    named = [beside.get(f"{made.__name__}{end}") for end in ("InitArgs", "Args")]
    return _hints(next(one for one in named if one is not None and one.__module__ == made.__module__))


@functools.cache
def output_names(token: str) -> frozenset[str]:
    return frozenset(_hints(resource_class(token))) - {"urn"}


@functools.cache
def _parameters(token: str) -> dict[str, Any]:
    """The arguments of aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings and their declared types."""
    package, module, name = token.split(":")
    folder = module.rpartition("/")[0] or module
    path = f"pulumi_{package}" if folder == "index" else f"pulumi_{package}.{folder}"
    snake = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()
    try:
        function = getattr(importlib.import_module(path), snake)
    except (ImportError, AttributeError):
        raise UnknownTypeError(f"pulumi_{package} declares no function {token}") from None
    hints = typing.get_type_hints(function, localns=_LOCAL)
    return {_camel(one): hints[one] for one in inspect.signature(function).parameters if one != "opts"}


_LOCAL = {"Output": pulumi.Output, "T": Any}
"""What the SDKs' annotations name and their modules don't import."""


@functools.cache
def _hints(declared: type) -> dict[str, Any]:
    """Pulumi's name of each property of an SDK's class, and its declared type."""
    found = {}
    for base in reversed(declared.__mro__):
        for member in vars(base).values():
            name = getattr(getattr(member, "fget", None), "_pulumi_name", None)
            if name:
                module = vars(sys.modules[base.__module__])
                hints = typing.get_type_hints(member.fget, globalns=dict(module), localns=_LOCAL)
                found[name] = hints.get("return", Any)
    return found


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(one.capitalize() for one in rest)


def _of_object(value: Any, declared: Mapping[str, Any], path: Path) -> Iterator[Problem]:
    if not isinstance(value, Mapping):
        yield path, f"expected an object, got {_said(value)}"
        return
    for name, one in value.items():
        if name.startswith("__"):
            continue
        if name in declared:
            yield from _of(one, declared[name], (*path, name))
        else:
            yield (*path, name), f"is no property here; there are {', '.join(sorted(declared))}"
    for name, hint in declared.items():
        if value.get(name) is None and not _is_optional(hint):
            yield (*path, name), "is required and missing"


def _of(value: Any, hint: Any, path: Path) -> list[Problem]:
    """Of several declared types the one counts that fits best."""
    if value == UNKNOWN or value is None:
        return []
    kinds = _kinds(hint)
    if not kinds:
        return []
    found = [list(_of_kind(value, kind, path)) for kind in kinds]
    if [] in found:
        return []
    inside = [one for one in found if one[0][0] != path]
    if inside:
        return inside[0]
    return [(path, f"expected {' or '.join(sorted({_name(kind) for kind in kinds}))}, got {_said(value)}")]


def _of_kind(value: Any, kind: Any, path: Path) -> Iterator[Problem]:
    origin, inner = typing.get_origin(kind) or kind, typing.get_args(kind)
    if inspect.isclass(origin) and hasattr(origin, "_pulumi_input_type"):
        yield from _of_object(value, _hints(origin), path)
    elif origin in (list, Sequence) and isinstance(value, list):
        for number, one in enumerate(value):
            yield from _of(one, inner[0] if inner else Any, (*path, number))
    elif origin in (dict, Mapping) and isinstance(value, Mapping):
        for name, one in value.items():
            yield from _of(one, inner[1] if inner else Any, (*path, name))
    elif origin in _CONTAINERS or not _is_plain(value, origin):
        yield path, "another type"


_CONTAINERS = (list, Sequence, dict, Mapping)


def _is_plain(value: Any, kind: Any) -> bool:
    if not inspect.isclass(kind):
        return kind is Any
    if issubclass(kind, enum.Enum):
        return value in [one.value for one in kind]
    if kind in (int, float) or isinstance(value, bool):
        # every number on the wire is the same, and Python takes a bool for one
        numbers = (int,) if kind is int else (int, float)
        return isinstance(value, bool) == (kind is bool) and isinstance(value, numbers)
    if issubclass(kind, (pulumi.Resource, pulumi.Asset, pulumi.Archive)):
        return isinstance(value, (str, Mapping))
    return isinstance(value, kind)


@functools.cache
def _kinds(hint: Any) -> tuple[Any, ...]:
    """The types that a value on the wire may have; none where it may be anything."""
    flat = tuple(_flat(hint))
    return () if Any in flat else flat


def _flat(hint: Any) -> Iterator[Any]:
    if typing.get_origin(hint) in (Union, UnionType):
        for one in typing.get_args(hint):
            yield from _flat(one)
    elif not _is_plumbing(hint):
        yield hint


def _is_plumbing(hint: Any) -> bool:
    """What only Python has: Output and Awaitable around the value, and dicts that mirror a declared class."""
    origin = typing.get_origin(hint) or hint
    if hint is type(None) or typing.is_typeddict(hint) or hasattr(origin, "_pulumi_output_type"):
        return True
    return origin is pulumi.Output or getattr(origin, "__name__", "") == "Awaitable"


def _is_optional(hint: Any) -> bool:
    if typing.get_origin(hint) in (Union, UnionType):
        return any(_is_optional(one) for one in typing.get_args(hint))
    return hint is type(None) or hint is Any


def _name(kind: Any) -> str:
    origin = typing.get_origin(kind) or kind
    if inspect.isclass(origin) and issubclass(origin, enum.Enum):
        return "one of " + ", ".join(str(one.value) for one in origin)
    return {"str": "a string", "int": "an integer", "float": "a number", "bool": "true or false"}.get(
        origin.__name__, f"a {origin.__name__}"
    )


def _said(value: Any) -> str:
    return f"{type(value).__name__} {value!r}"[:80]
