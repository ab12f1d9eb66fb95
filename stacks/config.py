"""Where a config comes from: the Pulumi engine while a program runs, or the stack's file where there is no engine."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .mistakes import PREFIX

PROJECT = Path(__file__).resolve().parents[1]
"""The project's folder, in which Pulumi.yaml stands."""


@dataclass(frozen=True, slots=True)
class RawConfig:
    """A config as it was written: values by key below `trainyard:`, and which keys are stored encrypted.

    `others` are whole keys of providers', such as aws:region.
    """

    values: Mapping[str, Any]
    secrets: frozenset[str] = field(default_factory=frozenset)
    others: Mapping[str, Any] = field(default_factory=dict)


def from_engine() -> RawConfig:
    """The config that the running program was given. The engine hands every value over as text, groups as JSON."""
    from pulumi.runtime import config

    given = config.CONFIG.get()
    texts = {key.removeprefix(PREFIX): text for key, text in given.items() if key.startswith(PREFIX)}
    secrets = frozenset(key for key in texts if config.is_config_secret(PREFIX + key))
    others = {key: text for key, text in given.items() if not key.startswith(PREFIX)}
    return RawConfig({key: _value(text) for key, text in texts.items()}, secrets, others)


def _value(text: Any) -> Any:
    try:
        value = json.loads(text)
    except (TypeError, ValueError):
        return text
    return value if isinstance(value, (dict, list)) else text


def token() -> Any:
    """The Hugging Face token of the running stack, as an output that stays secret."""
    import pulumi

    return pulumi.Config("trainyard").require_secret("hfToken")


def from_file(stack: str, project: Path = PROJECT) -> RawConfig:
    """The config in Pulumi.<stack>.yaml. What is encrypted there stays so: its value is only known to be there.

    FileNotFoundError where there is no such file, UserError where it is none of a stack.
    """
    from .stack_file import written as written_in

    written = written_in(project / f"Pulumi.{stack}.yaml")
    own = {
        key.removeprefix(PREFIX): value for key, value in written.items() if key.startswith(PREFIX) or ":" not in key
    }
    secrets = frozenset(key for key, value in own.items() if isinstance(value, dict) and "secure" in value)
    others = {key: value for key, value in written.items() if ":" in key and not key.startswith(PREFIX)}
    return RawConfig({key: "(encrypted)" if key in secrets else value for key, value in own.items()}, secrets, others)


def as_engine_gives_it(raw: RawConfig) -> dict[str, str]:
    """`raw` as the engine would hand it to the program."""
    given = {**{PREFIX + key: value for key, value in raw.values.items()}, **raw.others}
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in given.items()}


def stacks_here(project: Path = PROJECT) -> list[str]:
    """The names of the stacks that have a config file."""
    return [file.name.removeprefix("Pulumi.").removesuffix(".yaml") for file in sorted(project.glob("Pulumi.*.yaml"))]
