"""An AWS account that moto plays."""

from collections.abc import Iterator

import pytest
from moto import mock_aws

from stacks.aws.account import Account
from tests.stacks.planted import REGION, SOMEBODY


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """Of moto's: what it answers is as if nobody had ever used the account."""
    for name, value in SOMEBODY.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        yield Account(REGION)
