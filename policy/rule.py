"""Rules as plain functions: from a resource's type and properties to sentences on what is wrong."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Props = Mapping[str, Any]
Check = Callable[[str, Props], Iterator[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """`check` gets a resource's type and properties; it looks at `types` alone, each by its end."""

    name: str
    says: str
    types: tuple[str, ...]
    check: Check

    def wrong(self, kind: str, props: Props) -> list[str]:
        return [*self.check(kind, props)] if kind.endswith(self.types) else []


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A resource among others; `made_from` are the URNs that its properties come from."""

    urn: str
    type: str
    name: str
    props: Props = field(default_factory=dict)
    made_from: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class StackRule:
    """A rule over a stack's resources together: sentences, each with the URN that it is about."""

    name: str
    says: str
    check: Callable[[Sequence[Resource]], Iterator[tuple[str, str]]]


def listed(value: Any) -> list[Any]:
    """What may be one thing or several, as a list."""
    if value is None:
        return []
    return list(value) if isinstance(value, Iterable) and not isinstance(value, (str, Mapping)) else [value]


def is_on(value: Any) -> bool:
    """Whether a switch is on; some are texts."""
    return value is True or value == "true"


def must(name: str, says: str, types: tuple[str, ...], holds: Callable[[Props], Any]) -> Rule:
    """A rule that a property of every such resource has to hold."""

    def check(_: str, props: Props) -> Iterator[str]:
        if not holds(props):
            yield says

    return Rule(name=name, says=says, types=types, check=check)
