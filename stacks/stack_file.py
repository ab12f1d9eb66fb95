"""A stack's file, Pulumi.<stack>.yaml, as YAML; what is none is told with its line and the remedy."""

from pathlib import Path
from typing import Any

import yaml

from workloads.programs.errors import UserError


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice in one place, as the Pulumi CLI does."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key.value} stands here a second time", problem_mark=key.start_mark
                )
            if isinstance(key, yaml.ScalarNode):
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def written(file: Path) -> dict[str, Any]:
    """What stands below `config:` in `file`, by whole keys; FileNotFoundError where there is no such file."""
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), _Loader)  # noqa: S506 a SafeLoader
    except UnicodeDecodeError:
        raise UserError(f"{file.name}: is not text in UTF-8. Save it as UTF-8.") from None
    except yaml.YAMLError as error:
        raise UserError(f"{file.name}{_line(error)}: is not YAML that can be read: {_problem(error)}.") from None
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UserError(f"{file.name}: cannot be read ({error.strerror}).") from None
    whole = _keys(content, file.name, f"a line `config:`, and below it keys such as aws:region. {_LIKE_DEV}")
    below = _keys(whole.get("config"), f"{file.name}, config", f"keys such as aws:region, a line each. {_LIKE_DEV}")
    return {str(key): value for key, value in below.items()}


_LIKE_DEV = "Pulumi.dev.yaml shows it"


def _keys(value: Any, where: str, allowed: str) -> dict[Any, Any]:
    """`value`, where it is a group of keys; nothing at all is an empty one."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise UserError(f"{where}: is {_KINDS.get(type(value), 'one value')}, not a group of keys. Allowed: {allowed}.")
    return value


_KINDS = {list: "a list", str: "a text"}


def _line(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return f", line {mark.line + 1}" if mark else ""


def _problem(error: yaml.YAMLError) -> str:
    """What PyYAML says, with what to do about it where that is not plain."""
    problem = str(getattr(error, "problem", None) or getattr(error, "reason", error))
    if "\\t" in problem:
        return "it is indented with a tab. Indent with spaces"
    if "second time" in problem:
        return f"{problem}. Keep one of the two"
    return f"{problem}. Look at this line and the one before: brackets, quotes, colons and how far it is indented"
