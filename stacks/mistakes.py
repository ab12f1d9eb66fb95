"""A mistake in a stack's config, told in one line: the key as the user wrote it, what is wrong, what is allowed."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

PREFIX = "trainyard:"

TOKEN = re.compile(r"\bhf_[A-Za-z0-9]{20,}")
"""What a Hugging Face token looks like."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """`path` is the key below `trainyard:`, as ("nodes", "count")."""

    path: tuple[str, ...]
    text: str

    def __str__(self) -> str:
        key = "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in self.path)
        return f"{PREFIX}{key.lstrip('.')}: {self.text}"


class SettingsError(Exception):
    """All mistakes of one config together; its text has a line for each."""

    def __init__(self, mistakes: Iterable[Mistake]):
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(map(str, self.mistakes)))


def unknown(name: str, allowed: Iterable[str], kind: str = "key") -> str:
    """The sentence for a name that is none of `allowed`, with the nearest of them first."""
    names = sorted(allowed)
    near = get_close_matches(name, names, n=1)
    meant = f"Did you mean {near[0]!r}? " if near else ""
    return f"unknown {kind}. {meant}Allowed: {', '.join(names)}."


_GROUPS = ("dict_type", "model_type", "model_attributes_type")
_WORDS = {
    "int_parsing": "is not a whole number",
    "int_type": "is not a whole number",
    "int_from_float": "is not a whole number",
    "float_parsing": "is not a number",
    "float_type": "is not a number",
    "finite_number": "is not a finite number",
    "bool_parsing": "is not true or false",
    "bool_type": "is not true or false",
    "string_type": "is not a text",
    "tuple_type": "is not a list",
    **dict.fromkeys(_GROUPS, "is not a group of keys"),
}
_MENDS = {
    "string_type": " Put it in quotes.",
    "tuple_type": " Put it in brackets.",
    **dict.fromkeys(_GROUPS, " Write each key of it on a line below, as `key: value`."),
}
"""What to do, where a single value stands."""
_BOUNDS = {
    "greater_than": ("gt", "must be above {}"),
    "greater_than_equal": ("ge", "must be at least {}"),
    "less_than": ("lt", "must be below {}"),
    "less_than_equal": ("le", "must be at most {}"),
}


def from_pydantic(error: Mapping[str, Any], prefix: Sequence[str], fields: Iterable[str]) -> Mistake:
    """Pydantic's `error` in our words; `fields` are the keys allowed beside the one that it is about."""
    path = (*prefix, *map(str, error["loc"]))
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return Mistake(path, unknown(path[-1], fields))
    if error["input"] is None:
        return Mistake(path, "has no value. Give it one, or leave the key out.")
    if kind == "missing":
        return Mistake(path, "is missing.")
    value = _shown(error["input"])
    if kind == "literal_error":
        return Mistake(path, f"{value} is not allowed. Allowed: {context['expected'].replace(' or ', ', ')}.")
    if kind in _BOUNDS:
        bound, words = _BOUNDS[kind]
        return Mistake(path, f"{value} is not allowed; it {words.format(context[bound])}.")
    words = _WORDS.get(kind, f"is not allowed: {error['msg']}")
    mend = "" if isinstance(error["input"], (list, dict)) else _MENDS.get(kind, "")
    return Mistake(path, f"{value} {words}.{mend}")


def _shown(value: Any) -> str:
    try:
        text = TOKEN.sub("hf_…", json.dumps(value, default=str))
    except ValueError:
        return "what holds itself"
    return text if len(text) <= 40 else text[:37] + "…"
