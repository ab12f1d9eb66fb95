"""The API server, as a pod sees it: its address in the environment, its certificate and a token in files."""

import http.client
import json
import os
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from . import plan

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")

PATHS = {
    "Job": "/apis/batch/v1/namespaces/{namespace}/jobs",
    "RayJob": "/apis/ray.io/v1/namespaces/{namespace}/rayjobs",
    "MPIJob": "/apis/kubeflow.org/v2beta1/namespaces/{namespace}/mpijobs",
    "Service": "/api/v1/namespaces/{namespace}/services",
    "ConfigMap": "/api/v1/namespaces/{namespace}/configmaps",
    "Pod": "/api/v1/namespaces/{namespace}/pods",
    "Event": "/api/v1/namespaces/default/events",
    "NodeClaim": "/apis/karpenter.sh/v1/nodeclaims",
}
"""Where each kind is found."""

STEP_KINDS = ("Job", "RayJob", "MPIJob")
SELECTOR = ",".join([*(f"{key}={value}" for key, value in plan.OWNED.items()), plan.STEP_LABEL])


class RefusedError(Exception):
    """The API server said no, in a way that asking again will not change. Its text is the server's own message."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status


class UnreachableError(Exception):
    """No answer, or one of a server in trouble: worth another try."""


class Api:
    """Requests in one namespace, each on a connection of its own. The token is read anew: the kubelet renews it.

    Raises RefusedError and UnreachableError.
    """

    def __init__(self, account: Path = SERVICE_ACCOUNT, seconds: float = 30):
        self._token = account / "token"
        self._tls = ssl.create_default_context(cafile=str(account / "ca.crt"))
        self._seconds = seconds
        self.namespace = (account / "namespace").read_text().strip()

    def list(self, kind: str, **query: str) -> list[dict[str, Any]]:
        """Objects of a kind; none where the cluster does not know it."""
        try:
            found = self._read(self._path(kind), query)
        except RefusedError as error:
            if error.status == 404:
                return []
            raise
        return [{**item, "kind": kind} for item in found["items"]]

    def steps(self) -> Iterator[dict[str, Any]]:
        """Every step's object in the namespace."""
        for kind in STEP_KINDS:
            yield from self.list(kind, labelSelector=SELECTOR)

    def get(self, kind: str, name: str) -> dict[str, Any]:
        return self._read(self._path(kind, name))

    def create(self, item: Mapping[str, Any]) -> None:
        """Creates `item`; a field that its kind does not have is an error."""
        self._request("POST", self._path(item["kind"]), {"fieldValidation": "Strict"}, item)

    def annotate(self, kind: str, name: str, **annotations: str) -> None:
        """Adds annotations; content where the object is gone, or was just changed by another: the next look tells."""
        try:
            self._request("PATCH", self._path(kind, name), body={"metadata": {"annotations": annotations}})
        except RefusedError as error:
            if error.status not in (404, 409):
                raise

    def delete(self, kind: str, name: str) -> None:
        """Begins to delete, its pods first; content where it is gone already."""
        try:
            self._request("DELETE", self._path(kind, name), body={"propagationPolicy": "Foreground"})
        except RefusedError as error:
            if error.status != 404:
                raise

    def log(self, pod: str, container: str, lines: int) -> str:
        """The last lines of a container's log; empty where there is none to be had."""
        try:
            query = {"container": container, "tailLines": str(lines)}
            return self._request("GET", f"{self._path('Pod', pod)}/log", query).decode(errors="replace")
        except (RefusedError, UnreachableError):
            return ""

    def _path(self, kind: str, name: str = "") -> str:
        path = PATHS[kind].format(namespace=self.namespace)
        return f"{path}/{quote(name)}" if name else path

    def _read(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        try:
            return json.loads(self._request("GET", path, query))
        except ValueError as error:
            raise UnreachableError(f"GET {path}: the answer is no JSON: {error}") from None

    def _request(self, method: str, path: str, query: Mapping[str, str] | None = None, body: Any = None) -> bytes:
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        headers = {"Authorization": f"Bearer {self._token.read_text().strip()}", "Content-Type": kind}
        host, port = os.environ["KUBERNETES_SERVICE_HOST"], int(os.environ["KUBERNETES_SERVICE_PORT"])
        connection = http.client.HTTPSConnection(host, port, timeout=self._seconds, context=self._tls)
        try:
            target = f"{path}?{urlencode(query)}" if query else path
            connection.request(method, target, json.dumps(body) if body is not None else None, headers)
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise UnreachableError(f"{method} {path}: {error}") from None
        finally:
            connection.close()
        check(response.status, content, f"{method} {path}")
        return content


def check(status: int, content: bytes, request: str) -> None:
    """Raises what an answer with `status` stands for; nothing where it is a good one."""
    if status < 400:
        return
    try:
        message = str(json.loads(content)["message"])
    except (ValueError, KeyError, TypeError):
        message = content.decode(errors="replace")[:500]
    if status >= 500 or status in (401, 429):  # 401 while the kubelet is renewing the token
        raise UnreachableError(f"{request}: {status} {message}")
    raise RefusedError(status, message)
