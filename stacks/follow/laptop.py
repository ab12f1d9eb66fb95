"""The API server, as a person's kubeconfig reaches it: the run's own questions, asked from outside the cluster."""

import contextlib
import io
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kubernetes.client import ApiClient, ApiException, Configuration
from kubernetes.config import ConfigException, new_client_from_config
from urllib3.exceptions import HTTPError

from workloads.programs.errors import UserError
from workloads.programs.run.api import Api, RefusedError, UnreachableError, check

SECONDS = (5.0, 20.0)
"""To connect, and to answer."""

LOG_LINES = 200


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run is. Without `kubeconfig`: KUBECONFIG or ~/.kube/config; without `context`: its current one."""

    namespace: str
    kubeconfig: str | None = None
    context: str | None = None


class Laptop(Api):
    """Api with a kubeconfig's credentials. Raises UserError for a kubeconfig or credentials that do not serve."""

    def __init__(self, place: Place):
        self.namespace = place.namespace
        self._place = place
        self._said = ""
        self._client = self._connect()

    @property
    def host(self) -> str:
        return self._client.configuration.host

    def log_lines(self, pod: str, container: str) -> list[str]:
        """The last lines of a container's log, each with its time before it; none where there are none to be had."""
        query = {"container": container, "tailLines": str(LOG_LINES), "timestamps": "true"}
        try:
            content = self._request("GET", f"{self._path('Pod', pod)}/log", query)
        except (RefusedError, UnreachableError):
            return []
        return content.decode(errors="replace").splitlines()

    def _connect(self) -> ApiClient:
        settings = Configuration()
        settings.retries = False  # the next look is the next try
        try:
            with _heard() as said:
                client = new_client_from_config(
                    self._place.kubeconfig, self._place.context, persist_config=False, client_configuration=settings
                )
        except (ConfigException, OSError, ValueError, TypeError) as error:
            raise UserError(f"the kubeconfig cannot be used: {error} {CREATE}") from None
        self._said = said.getvalue().strip()
        return client

    def _request(self, method: str, path: str, query: Mapping[str, str] | None = None, body: Any = None) -> bytes:
        status, content = self._ask(method, path, query)
        if _unknown_person(status, content):
            self._client = self._connect()  # what is short-lived may just have run out
            status, content = self._ask(method, path, query)
        if _unknown_person(status, content):
            told = f" ({self._said})" if self._said else ""
            raise UserError(f"{self.host} does not accept the kubeconfig's credentials{told}. {RENEW}")
        if status == 403:
            raise UserError(f"{self.host} refuses: {_message(status, content)}. Ask for the right to read it.")
        check(status, content, f"{method} {path}")
        return content

    def _ask(self, method: str, path: str, query: Mapping[str, str] | None) -> tuple[int, bytes]:
        try:
            parts = self._client.param_serialize(
                method, path, query_params=list((query or {}).items()), auth_settings=["BearerToken"]
            )
            answer = self._client.call_api(*parts, _request_timeout=SECONDS)
            return answer.status, answer.read() or b""
        except ApiException as error:
            raise UnreachableError(f"{self.host}: {error.reason}") from None
        except (HTTPError, OSError) as error:
            raise UnreachableError(f"{self.host}: {error}") from None


CREATE = "On eks, `aws eks update-kubeconfig --name CLUSTER` writes one; --kubeconfig and --context name another."
RENEW = "Renew them, with `aws sso login` or as you got them, and run this again."


def _unknown_person(status: int, content: bytes) -> bool:
    return status == 401 or (status == 403 and b"system:anonymous" in content)


def _message(status: int, content: bytes) -> str:
    try:
        check(status, content, "")
    except RefusedError as error:
        return str(error).rstrip(".")
    return str(status)


@contextmanager
def _heard() -> Iterator[io.StringIO]:
    """Keeps what the client logs of a credential plugin that failed: it raises nothing."""
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        with contextlib.redirect_stderr(said):
            yield said
    finally:
        root.removeHandler(handler)
