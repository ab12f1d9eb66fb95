"""A real API server as pulumi-kubernetes talks to it, with the official client."""

import contextlib
import functools
import json
import tempfile
import threading
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import urllib3
import yaml
from kubernetes import config as kubeconfig
from kubernetes.client import ApiClient
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.discovery import LazyDiscoverer
from kubernetes.dynamic.exceptions import DynamicApiError, ResourceNotFoundError
from kubernetes.dynamic.resource import Resource

from .provider import ProviderError

MANAGER = "pulumi-double"

FORBIDDEN, NOT_FOUND, CONFLICT, INVALID = 403, 404, 409, 422


class ApiError(ProviderError):
    """The API server's refusal."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status


class UnknownKindError(ApiError):
    """The API server doesn't serve the kind, or not yet."""


class UnreachableError(ProviderError):
    """There is no API server where the kubeconfig says, or no kubeconfig."""


class Cluster:
    """Objects are dicts with apiVersion, kind and metadata."""

    def __init__(self, settings: Mapping[str, Any]):
        self._settings = settings
        self._lock = threading.Lock()
        self._kinds: dict[tuple[str, str], Resource] = {}

    @functools.cached_property
    def namespace(self) -> str:
        """Where objects go that don't say it; no server is asked."""
        context = {}
        with contextlib.suppress(UnreachableError):
            context = _context(self._settings)
        return self._settings.get("namespace") or context.get("namespace") or "default"

    def kind(self, api_version: str, kind: str) -> Resource:
        with self._lock, _in_words():
            key = (api_version, kind)
            if key not in self._kinds:
                self._kinds[key] = self._client.resources.get(api_version=api_version, kind=kind)
            return self._kinds[key]

    @functools.cached_property
    def _client(self) -> DynamicClient:
        nowhere = str(Path(tempfile.gettempdir(), uuid.uuid4().hex))
        return DynamicClient(_connect(self._settings), cache_file=nowhere, discoverer=_Discoverer)

    def get(self, wanted: Mapping[str, Any]) -> dict[str, Any] | None:
        try:
            return self._send("get", wanted)
        except ApiError as error:
            if error.status == NOT_FOUND and not isinstance(error, UnknownKindError):
                return None
            raise

    def select(self, api_version: str, kind: str, namespace: str, labels: Mapping[str, str]) -> list[dict[str, Any]]:
        selector = ",".join(f"{key}={value}" for key, value in labels.items())
        every = {"apiVersion": api_version, "kind": kind, "metadata": {"namespace": namespace}}
        return self._send("get", every, query=[("labelSelector", selector)])["items"]

    def create(self, wanted: Mapping[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        """Fails with a conflict where the object is there already, unless the provider's option says to adopt it."""
        if _is_true(self._settings.get("upsertExistingObjects")):
            return self._apply(wanted, dry_run, force=dry_run)
        nameless = {**wanted, "metadata": {key: one for key, one in wanted["metadata"].items() if key != "name"}}
        return self._send("post", nameless, body=wanted, query=_writing(dry_run))

    def update(self, wanted: Mapping[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        """Applies what `wanted` says and no longer says; fails where others have set the same fields otherwise."""
        live = self.get(wanted)
        if live is None:
            raise ApiError(NOT_FOUND, f'{wanted["kind"]} "{wanted["metadata"]["name"]}" not found')
        managed = live["metadata"].get("managedFields", [])
        if any(_is_ours(one) for one in managed) and not dry_run:
            self._take_over(live, managed)
        return self._apply(wanted, dry_run, force=not managed or (dry_run and any(_is_ours(one) for one in managed)))

    def _apply(self, wanted: Mapping[str, Any], dry_run: bool, *, force: bool) -> dict[str, Any]:
        asked = wanted["metadata"].get("annotations", {}).get("pulumi.com/patchForce")
        force = force or _is_true(asked) or _is_true(self._settings.get("enablePatchForce"))
        query = [*_writing(dry_run), ("force", str(force).lower())]
        return self._send("patch", wanted, body=wanted, query=query, content_type="application/apply-patch+yaml")

    def delete(self, wanted: Mapping[str, Any], policy: str) -> None:
        self._send("delete", wanted, query=[("propagationPolicy", policy)])

    def _take_over(self, live: dict[str, Any], managed: list[dict[str, Any]]) -> None:
        """Makes the fields of our create, and of kubectl, those of our applies: an apply takes away only such."""
        ours = [one for one in managed if _is_ours(one) or (one["manager"], one["operation"]) == (MANAGER, "Apply")]
        fields = functools.reduce(_union, (one["fieldsV1"] for one in ours))
        mine = {**ours[0], "manager": MANAGER, "operation": "Apply", "fieldsV1": fields}
        patch = [
            {
                "op": "replace",
                "path": "/metadata/managedFields",
                "value": [*(one for one in managed if one not in ours), mine],
            },
            {"op": "replace", "path": "/metadata/resourceVersion", "value": live["metadata"]["resourceVersion"]},
        ]
        self._send("patch", live, body=patch, content_type="application/json-patch+json")

    def _send(self, method: str, wanted: Mapping[str, Any], **options: Any) -> dict[str, Any]:
        resource = self.kind(wanted["apiVersion"], wanted["kind"])
        metadata = wanted["metadata"]
        body = options.pop("body", None)
        if isinstance(body, dict) and not resource.namespaced:
            body = {**body, "metadata": {key: one for key, one in body["metadata"].items() if key != "namespace"}}
        with _in_words():
            path = resource.path(name=metadata.get("name"), namespace=metadata.get("namespace"))
            query = options.pop("query", [])
            return self._client.request(method, path, body=body, query_params=query, **options).to_dict()


class _Discoverer(LazyDiscoverer):
    """Keeps what it learns to itself: by default it shares files by address, and tests use addresses again."""

    def _write_cache(self) -> None:
        pass


def _kubeconfig(settings: Mapping[str, Any]) -> tuple[str | None, dict[str, Any]]:
    """The kubeconfig's path, if it was given by one, and what it says.

    The true provider would fall back on the user's own kubeconfig; a double must never find a real cluster.
    """
    given = settings.get("kubeconfig")
    if not given:
        raise UnreachableError("the provider has no kubeconfig, and the double looks for no other")
    path = given if "\n" not in given and Path(given).is_file() else None
    read = None
    with contextlib.suppress(yaml.YAMLError):
        read = yaml.safe_load(Path(path).read_text() if path else given)
    if not isinstance(read, dict):
        raise UnreachableError("failed to parse kubeconfig data: neither a file nor a kubeconfig's contents")
    return path, read


def _context(settings: Mapping[str, Any]) -> dict[str, Any]:
    _, read = _kubeconfig(settings)
    name = settings.get("context") or read.get("current-context")
    return next((one["context"] for one in read.get("contexts", []) if one["name"] == name), {})


def _connect(settings: Mapping[str, Any]) -> ApiClient:
    path, read = _kubeconfig(settings)
    context = settings.get("context")
    try:
        if path:
            return kubeconfig.new_client_from_config(path, context=context, persist_config=False)
        return kubeconfig.new_client_from_config_dict(read, context=context, persist_config=False)
    except kubeconfig.ConfigException as error:
        raise UnreachableError(f"unable to load Kubernetes client configuration: {error}") from error


def active_cluster(settings: Mapping[str, Any]) -> Any:
    """What the kubeconfig says of the cluster that it chooses."""
    with contextlib.suppress(UnreachableError):
        _, read = _kubeconfig(settings)
        name = _context(settings).get("cluster")
        return next((one["cluster"] for one in read.get("clusters", []) if one["name"] == name), None)


def _is_ours(entry: Mapping[str, Any]) -> bool:
    """Set by our create, or by those from whom the true provider takes fields over."""
    if "subresource" in entry:
        return False
    if entry["operation"] == "Update":
        return entry["manager"].startswith((MANAGER, "kubectl", "before-first-apply"))
    return entry["manager"].startswith("kubectl")


def _union(one: Any, other: Any) -> Any:
    """Of two trees of fields."""
    return {key: _union(one.get(key, {}), other.get(key, {})) for key in {**one, **other}}


def _is_true(setting: Any) -> bool:
    """Provider options come as strings."""
    return str(setting).lower() == "true"


def _writing(dry_run: bool) -> list[tuple[str, str]]:
    return [("fieldManager", MANAGER), ("fieldValidation", "Strict"), *([("dryRun", "All")] if dry_run else [])]


@contextlib.contextmanager
def _in_words() -> Iterator[None]:
    """The client's errors as the API server's own messages."""
    try:
        yield
    except ResourceNotFoundError as error:
        raise UnknownKindError(NOT_FOUND, f"the API server has no such kind: {error}") from error
    except DynamicApiError as error:
        try:
            message = json.loads(error.body or "")["message"]
        except (ValueError, KeyError, TypeError):
            message = f"{error.status} {error.reason}: {error.body}"
        raise ApiError(error.status or 0, message) from error
    except urllib3.exceptions.HTTPError as error:
        raise UnreachableError(f"configured Kubernetes cluster is unreachable: {error}") from error
