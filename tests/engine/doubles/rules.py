"""What pulumi-kubernetes decides without a cluster: names, what replaces an object, and what a refresh takes over.

From its sources, release 4.34: provider/pkg/provider/{provider,diff,util}.go and provider/pkg/metadata/.
"""

import base64
import hashlib
import uuid
from collections.abc import Mapping
from typing import Any

from kubernetes.utils.quantity import parse_quantity
from pulumi.runtime import rpc

from .differences import Path
from .provider import UNKNOWN, mark

Manifest = Mapping[str, Any]

AUTONAMED = "pulumi.com/autonamed"
SKIP_AWAIT = "pulumi.com/skipAwait"
REPLACE_UNREADY = "pulumi.com/replaceUnready"
TIMEOUT_SECONDS = "pulumi.com/timeoutSeconds"
WAIT_FOR = "pulumi.com/waitFor"
DELETION_PROPAGATION = "pulumi.com/deletionPropagationPolicy"

_DEFAULT_TIMEOUT = 600.0

_REPLACED_BY: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("", "ConfigMap"): ("binaryData", "data"),
    ("", "PersistentVolume"): ("spec.csi", "spec.hostPath", "spec.local", "spec.nfs"),
    ("", "PersistentVolumeClaim"): (
        "spec.accessModes",
        "spec.selector",
        "spec.storageClassName",
        "spec.volumeName",
    ),
    ("", "ResourceQuota"): ("spec.scopes",),
    ("", "Secret"): ("data", "stringData", "type"),
    ("", "Service"): ("spec.clusterIP",),
    ("apps", "DaemonSet"): ("spec.selector",),
    ("apps", "Deployment"): ("spec.selector",),
    ("apps", "StatefulSet"): (
        "spec.podManagementPolicy",
        "spec.revisionHistoryLimit",
        "spec.selector",
        "spec.serviceName",
        "spec.volumeClaimTemplates",
    ),
    ("batch", "Job"): ("spec.completions", "spec.parallelism", "spec.selector", "spec.template"),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): ("roleRef",),
    ("rbac.authorization.k8s.io", "RoleBinding"): ("roleRef",),
    ("storage.k8s.io", "StorageClass"): ("parameters", "provisioner"),
}

_SKIPS_DELETION = {"DaemonSet", "Deployment", "Job", "Namespace", "Pod", "ReplicationController", "StatefulSet"}
"""The kinds for which skipAwait spares the wait for their deletion, too."""


def annotation(manifest: Manifest, key: str) -> str:
    """The annotation's value; none where it is not there or not known yet."""
    found = _mapping(_mapping(manifest.get("metadata")).get("annotations")).get(key, "")
    return "" if found == UNKNOWN else str(found)


def skips_deletion(manifest: Manifest) -> bool:
    return annotation(manifest, SKIP_AWAIT) == "true" and manifest["kind"] in _SKIPS_DELETION


def timeout(manifest: Manifest, asked: float) -> float:
    """In seconds; `asked` is the resource option custom_timeouts."""
    noted = annotation(manifest, TIMEOUT_SECONDS)
    return asked or (float(noted) if noted.isdecimal() else _DEFAULT_TIMEOUT)


def propagation(manifest: Manifest) -> str:
    policy = annotation(manifest, DELETION_PROPAGATION).capitalize()
    return policy if policy in ("Orphan", "Background") else "Foreground"


def object_id(manifest: Manifest) -> str:
    metadata = manifest["metadata"]
    return "/".join(filter(None, (metadata.get("namespace"), metadata["name"])))


def named(new: Manifest, old: Manifest, name: str, seed: bytes) -> dict[str, Any]:
    """`new` with a name: its own, the one made for `old`, or one made from the resource's `name`."""
    metadata = new.get("metadata", {})
    if not isinstance(metadata, dict) or metadata.get("name") or metadata.get("generateName"):
        return dict(new)
    digits = (hashlib.sha256(seed).hexdigest() if seed else uuid.uuid4().hex)[:8]
    made = f"{name}-{digits}"
    if old:
        if annotation(old, AUTONAMED) != "true":
            return dict(new)
        made = old["metadata"]["name"]
    annotations = metadata.get("annotations", {})
    if isinstance(annotations, dict):
        metadata = {**metadata, "annotations": {**annotations, AUTONAMED: "true"}}
    return {**new, "metadata": {**metadata, "name": made}}


def replaces(manifest: Manifest, path: Path, value: Any) -> bool:
    """Whether a change at `path`, to `value`, replaces the object."""
    group = manifest.get("apiVersion", "").rpartition("/")[0]
    rules = ("metadata.name", "metadata.namespace", *_REPLACED_BY.get((group, manifest.get("kind", "")), ()))
    return any(_touches(tuple(rule.split(".")), path, value) for rule in rules)


def _touches(rule: tuple[str, ...], path: Path, value: Any) -> bool:
    """A change touches what it lies below, and what it brings along where it adds a whole branch."""
    if path[: len(rule)] == rule:
        return True
    if rule[: len(path)] != path:
        return False
    for key in rule[len(path) :]:
        if key not in _mapping(value):
            return False
        value = value[key]
    return True


def deletes_first(id_: str, new: Manifest) -> bool:
    """Of an object that is replaced: it must go first where the new one bears its name by the program's will."""
    return annotation(new, AUTONAMED) != "true" and bool(new["metadata"].get("name")) and object_id(new) == id_


def refreshed(inputs: Any, live: Any, *, quantity: bool = False) -> Any:
    """The inputs as the cluster has them: what differs in `live`, with nothing that the program never said.

    As with the true provider, items that somebody appended to a list don't show. A spelling of the server's (0.5 as
    500m) and an empty value that it left out are no difference.
    """
    if isinstance(inputs, dict) and isinstance(live, dict):
        if inputs.get("kind") == "Secret" and "stringData" in inputs:
            live = {**live, "stringData": _decoded(inputs["stringData"], live.get("data", {}))}
        return {
            key: refreshed(value, live[key], quantity=quantity or key in _QUANTITIES) if key in live else value
            for key, value in inputs.items()
            if key in live or not value
        }
    if isinstance(inputs, list) and isinstance(live, list):
        return [refreshed(value, found, quantity=quantity) for value, found in zip(inputs, live, strict=False)]
    return inputs if inputs == live or (quantity and _equal_quantities(inputs, live)) else live


_QUANTITIES = {"capacity", "divisor", "hard", "limits", "overhead", "requests", "sizeLimit"}


def _equal_quantities(one: Any, other: Any) -> bool:
    try:
        return parse_quantity(one) == parse_quantity(other)
    except ValueError:
        return False


def _decoded(wanted: Manifest, data: Manifest) -> dict[str, str]:
    return {key: base64.b64decode(data[key]).decode() for key in wanted if key in data}


def adopted(live: Manifest) -> dict[str, Any]:
    """The inputs of an object that Pulumi reads for the first time."""
    made_there = {"creationTimestamp", "generation", "managedFields", "resourceVersion", "uid"}
    metadata = {key: value for key, value in live["metadata"].items() if key not in made_there}
    return {**{key: value for key, value in live.items() if key != "status"}, "metadata": metadata}


def outputs(live: Manifest, inputs: Manifest) -> dict[str, Any]:
    metadata = {key: value for key, value in live["metadata"].items() if key != "managedFields"}
    return with_secrets({**live, "metadata": metadata}, inputs)


def with_secrets(values: Manifest, like: Manifest) -> dict[str, Any]:
    marked = mark(values, like)
    if values.get("kind") == "Secret":
        marked |= {key: rpc.wrap_rpc_secret(marked[key]) for key in ("data", "stringData") if key in marked}
    return marked


def at(id_: str, manifest: Manifest) -> dict[str, Any]:
    """The manifest as that of the object with this id."""
    namespace, _, name = id_.rpartition("/")
    place = {"name": name, "namespace": namespace} if namespace else {"name": name}
    return {**manifest, "metadata": {**manifest.get("metadata", {}), **place}}


def without_namespace(manifest: Manifest) -> dict[str, Any]:
    metadata = {key: value for key, value in manifest.get("metadata", {}).items() if key != "namespace"}
    return {**manifest, "metadata": metadata}


def of_type(token: str) -> dict[str, Any]:
    """kubernetes:core/v1:ConfigMap as the start of a manifest."""
    _, api_version, kind = token.split(":")
    return {"apiVersion": api_version.removeprefix("core/"), "kind": kind}


def missing(token: str, new: Manifest) -> str:
    """What the resource uses and the double lacks, if anything."""
    kind = new.get("kind", "")
    name = token.rpartition(":")[2]
    if annotation(new, WAIT_FOR):
        return WAIT_FOR
    return "" if "apiVersion" in new and name == kind and not kind.endswith("List") else name


def _mapping(value: Any) -> Manifest:
    return value if isinstance(value, dict) else {}
