"""One AWS account in one region."""

import shlex
from dataclasses import dataclass
from threading import Lock
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import NoCredentialsError

from . import trouble
from .trouble import Trouble


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds until a connection stands, and until it answers; how often to ask in all."""

    connect: float = 3
    read: float = 10
    attempts: int = 2


class Account:
    """Asks AWS as the user's own profile may. Every question may be asked from any thread; each gives its answer whole,
    or raises Trouble.
    """

    def __init__(self, region: str, profile: str | None = None, patience: Patience = Patience()):
        self.region, self.profile = region, profile
        self._config = Config(
            connect_timeout=patience.connect,
            read_timeout=patience.read,
            retries={"mode": "standard", "total_max_attempts": patience.attempts},
            max_pool_connections=20,
        )
        self._lock = Lock()
        self._session: boto3.Session | None = None
        self._has_credentials = False
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """boto3's client. Clients may be used by many threads; the session that makes them may not."""
        with self._lock:
            try:
                if service not in self._clients:
                    self._clients[service] = self._made().client(service, config=self._config)
            except (*trouble.ALL, ValueError) as error:
                raise trouble.trouble(error, service, "") from None
            return self._clients[service]

    def _made(self) -> boto3.Session:
        """A session that has credentials. Without any it would look for them again with every client, for seconds."""
        if self._session is None:
            self._session = boto3.Session(profile_name=self.profile, region_name=self.region)
            self._has_credentials = self._session.get_credentials() is not None
        if not self._has_credentials:
            raise NoCredentialsError
        return self._session

    def ask(self, service: str, operation: str, **arguments: Any) -> dict[str, Any]:
        """The answer to one call, as `describe_vpcs`."""
        client = self.client(service)
        try:
            return getattr(client, operation)(**arguments)
        except trouble.ALL as error:
            raise self._told(client, operation, error) from None

    def all(self, service: str, operation: str, key: str, **arguments: Any) -> list[Any]:
        """What all pages of the answer to a call hold under `key`."""
        client = self.client(service)
        if not client.can_paginate(operation):
            return self.ask(service, operation, **arguments)[key]
        try:
            return [one for page in client.get_paginator(operation).paginate(**arguments) for one in page.get(key, [])]
        except trouble.ALL as error:
            raise self._told(client, operation, error) from None

    def _told(self, client: Any, operation: str, error: Exception) -> Trouble:
        named = client.meta.method_to_api_mapping[operation]
        return trouble.trouble(error, client.meta.service_model.signing_name, named)

    def command(self, *words: str) -> str:
        """An `aws` command for a person to paste."""
        profile = ("--profile", self.profile) if self.profile else ()
        return shlex.join(["aws", *words, "--region", self.region, *profile])


def tags_of(resource: dict[str, Any]) -> dict[str, str]:
    """A resource's tags by key, in whichever of AWS's forms they come."""
    given = next((resource[name] for name in ("Tags", "TagSet", "TagList", "tags") if resource.get(name)), {})
    if isinstance(given, dict):
        return dict(given)
    return {one.get("Key", one.get("TagKey")): one.get("Value", one.get("TagValue", "")) for one in given}
