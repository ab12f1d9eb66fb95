"""Answers of AWS's that moto does not know, and what it would refuse, planted in an account's clients.

An answer is held against botocore's own model of the operation, so that it has no field that AWS's could not have.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.validate import validate_parameters

from stacks.aws.account import Account

REGION = "us-west-2"
SOMEBODY = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "nobodys"}
"""Credentials of nobody's, for the environment."""


@dataclass(frozen=True, slots=True)
class Refused:
    """AWS's answer to what it does not do."""

    code: str
    status: int = 400


@dataclass(frozen=True, slots=True)
class _Http:
    status_code: int


Answer = dict[str, Any] | Refused | Callable[[bytes], dict[str, Any] | Refused]


def plant(account: Account, service: str, operation: str, answer: Answer) -> None:
    """Has `operation` (as GetServiceQuota) answered by `answer`; a function of it is given the request's body."""
    client = account.client(service)
    shape = client.meta.service_model.operation_model(operation).output_shape

    def handle(params: dict[str, Any], **_: Any) -> tuple[_Http, dict[str, Any]]:
        told = answer(params["body"]) if callable(answer) else answer
        if isinstance(told, Refused):
            return _Http(told.status), {"Error": {"Code": told.code, "Message": "so AWS says"}, "ResponseMetadata": {}}
        validate_parameters(told, shape)
        return _Http(200), {**told, "ResponseMetadata": {}}

    event = f"before-call.{client.meta.service_model.service_id.hyphenize()}.{operation}"
    # an earlier answer would win
    client.meta.events.unregister(event, unique_id=event)
    client.meta.events.register_first(event, handle, unique_id=event)
