"""Questions to IAM policy documents."""

import json
from collections.abc import Mapping
from typing import Any


def statements(document: str | Mapping[str, Any]) -> list[dict[str, Any]]:
    """The statements of a policy document, given as text or as data, with actions and resources as lists."""
    whole = json.loads(document) if isinstance(document, str) else document
    return [{**one, "Action": _list(one["Action"]), "Resource": _list(one["Resource"])} for one in whole["Statement"]]


def _list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
