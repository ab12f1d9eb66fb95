"""Two run cards side by side: what was asked differently, and what came of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Section = Literal["config", "data", "versions", "results"]
Card = Mapping[str, Any]

MISSING = None


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that differs. `change` is relative to the left one, where both are numbers and that is not 0."""

    section: Section
    name: str
    left: Any
    right: Any

    @property
    def change(self) -> float | None:
        numbers = [one for one in (self.left, self.right) if _is_number(one)]
        return (self.right - self.left) / abs(self.left) if len(numbers) == 2 and self.left else None


def differences(left: Card, right: Card) -> list[Difference]:
    """Whatever differs, in the order in which a card has it."""
    one, other = dict(_values(left)), dict(_values(right))
    return [
        Difference(*key, one.get(key, MISSING), other.get(key, MISSING))
        for key in dict.fromkeys([*one, *other])
        if one.get(key, MISSING) != other.get(key, MISSING)
    ]


def asked_alike(found: list[Difference]) -> bool:
    """Whether two runs were asked for the same: they differ in results at the most."""
    return all(one.section == "results" for one in found)


def _values(card: Card) -> Iterator[tuple[tuple[Section, str], Any]]:
    for key in ("recipe", "platform"):
        yield ("config", key), card[key]
    yield from _flat("config", "", card["config"])
    yield from _flat("config", "parameters.", card["parameters"])
    for step in card["steps"]:
        yield from _flat("config", f"{step['name']}.", {key: step[key] for key in ("machine", "nodes")})
    yield from _flat("data", "", {"fingerprint": card["data"]["fingerprint"], **card["data"]["files"]})
    yield from _flat("versions", "", card["versions"])
    yield from _flat("versions", "images.", card["images"])
    for step in card["steps"]:
        yield ("versions", f"{step['name']}.hash"), step["hash"]
    yield from _results(card)


def _results(card: Card) -> Iterator[tuple[tuple[Section, str], Any]]:
    yield from _flat("results", "", card["tests"])
    for name, training in card["trainings"].items():
        told = {key: training[key] for key in ("steps_done", "loss", "held_out_first", "held_out_last")}
        told["tokens_per_second"] = training["tokens_per_second"]["typical"]
        yield from _flat("results", f"{name}.", {**told, "mfu": training["mfu"]["value"]})
    for step in card["steps"]:
        yield from _flat("results", f"{step['name']}.", {key: step[key] for key in ("done", "seconds", "resumes")})
    yield from _flat("results", "compile.", card["compile"] or {})
    yield ("results", "dollars"), card["price"]["dollars"]


def _flat(section: Section, prefix: str, values: Mapping[str, Any]) -> Iterator[tuple[tuple[Section, str], Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(section, f"{prefix}{name}.", value)
        else:
            yield (section, f"{prefix}{name}"), value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
