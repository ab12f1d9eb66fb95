"""The Kubernetes double's rules, which need no cluster: names, differences, and what a refresh finds."""

from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2

from .doubles import differences, rules
from .doubles.provider import UNKNOWN
from .given import JOB, changed, manifest


def diff(old: dict[str, Any], new: dict[str, Any]) -> provider_pb2.DiffResponse:
    return differences.response(old, new, lambda path, value: rules.replaces(new, path, value))


# --- Kubernetes: names


def test_an_unnamed_object_gets_the_resources_name_and_keeps_it() -> None:
    unnamed = manifest("ConfigMap", metadata={})
    first = rules.named(unnamed, {}, "settings", b"seed")
    assert first["metadata"]["name"].startswith("settings-")
    assert len(first["metadata"]["name"]) == len("settings-") + 8
    assert first["metadata"]["annotations"] == {rules.AUTONAMED: "true"}
    assert rules.named(unnamed, first, "settings", b"other seed") == first


@pytest.mark.parametrize("name", ["mine", UNKNOWN])
def test_a_given_name_stays_even_where_it_is_not_known_yet(name: str) -> None:
    given = manifest("ConfigMap", metadata={"name": name})
    assert rules.named(given, {}, "settings", b"seed") == given


def test_what_the_double_lacks_is_told_and_not_passed_over() -> None:
    awaited = changed(JOB, "metadata.annotations", {rules.WAIT_FOR: "condition=Done"})
    assert rules.missing("kubernetes:batch/v1:Job", JOB) == ""
    assert rules.missing("kubernetes:batch/v1:JobPatch", JOB) == "JobPatch"
    assert rules.missing("kubernetes:helm.sh/v3:Release", {"chart": "x"}) == "Release"
    assert rules.missing("kubernetes:batch/v1:Job", awaited) == rules.WAIT_FOR


# --- Kubernetes: differences


def test_equal_inputs_are_no_change() -> None:
    assert diff(JOB, changed(JOB, "spec.backoffLimit", 0)).changes == provider_pb2.DiffResponse.DIFF_NONE


@pytest.mark.parametrize(
    ("old", "path", "value"),
    [
        (JOB, "spec.template.spec.containers", [{"name": "main", "args": ["b"]}]),
        (JOB, "spec.parallelism", 3),
        (JOB, "spec.completions", 2),
        (JOB, "metadata.name", "other"),
        (JOB, "metadata.namespace", UNKNOWN),
        (manifest("ConfigMap", data={"a": "1"}), "data.a", "2"),
        (manifest("ConfigMap"), "data", {"a": "1"}),
        (manifest("Secret", stringData={"a": "1"}), "stringData.a", "2"),
        (manifest("PersistentVolumeClaim", spec={"storageClassName": "a"}), "spec.storageClassName", "b"),
        (manifest("RoleBinding", "rbac.authorization.k8s.io/v1", roleRef={"name": "a"}), "roleRef.name", "b"),
        (manifest("Deployment", "apps/v1"), "spec", {"selector": {}}),
    ],
)
def test_what_can_not_change_in_place_replaces(old: dict[str, Any], path: str, value: Any) -> None:
    answer = diff(old, changed(old, path, value))
    assert answer.replaces
    assert answer.replaces[0].startswith(path)


@pytest.mark.parametrize(
    ("old", "path", "value"),
    [
        (JOB, "spec.backoffLimit", 1),
        (JOB, "metadata.labels.app", "y"),
        (manifest("ConfigMap", data={"a": "1"}), "immutable", True),
        (manifest("PersistentVolumeClaim", spec={"resources": {}}), "spec.resources.requests", {"storage": "2Gi"}),
        (manifest("Deployment", "apps/v1"), "spec", {"replicas": 2}),
        (manifest("RayJob", "ray.io/v1", spec={"entrypoint": "a"}), "spec.entrypoint", "b"),
    ],
)
def test_all_else_is_changed_in_place(old: dict[str, Any], path: str, value: Any) -> None:
    answer = diff(old, changed(old, path, value))
    assert answer.changes == provider_pb2.DiffResponse.DIFF_SOME
    assert not answer.replaces


def test_paths_are_written_as_the_engine_reads_them() -> None:
    path = ("metadata", "annotations", "a.b/c", "list", 0, "name")
    assert differences.text(path) == 'metadata.annotations["a.b/c"].list[0].name'


def test_the_old_goes_first_only_where_the_new_has_its_place_by_the_programs_will() -> None:
    autonamed = changed(JOB, "metadata.annotations", {rules.AUTONAMED: "true"})
    assert rules.deletes_first("runs/train", JOB)
    assert not rules.deletes_first("runs/other", JOB)
    assert not rules.deletes_first("other/train", JOB)
    assert not rules.deletes_first("runs/train", autonamed)


# --- Kubernetes: refresh


def test_what_only_the_server_says_is_no_drift() -> None:
    live = changed(changed(JOB, "status", {"active": 1}), "metadata.uid", "1234")
    live = changed(
        live, "spec.template.spec.containers", [{"name": "main", "args": ["a"], "terminationMessagePath": "/x"}]
    )
    assert rules.refreshed(JOB, live) == JOB


def test_the_servers_spelling_is_no_drift() -> None:
    inputs = manifest("Pod", spec={"resources": {"requests": {"cpu": "0.5", "memory": "1024Mi"}}, "hostNetwork": False})
    live = manifest("Pod", spec={"resources": {"requests": {"cpu": "500m", "memory": "1Gi"}}})
    assert rules.refreshed(inputs, live) == inputs
    config = manifest("ConfigMap", data={"a": "0.5"})
    assert rules.refreshed(config, changed(config, "data.a", "500m"))["data"] == {"a": "500m"}


def test_drift_shows_where_the_program_has_spoken() -> None:
    live = changed(changed(JOB, "metadata.labels", {"app": "y", "z": "z"}), "spec.parallelism", 5)
    refreshed = rules.refreshed(JOB, live)
    assert refreshed["metadata"]["labels"] == {"app": "y"}
    assert refreshed["spec"]["parallelism"] == 5
    assert diff(refreshed, JOB).changes == provider_pb2.DiffResponse.DIFF_SOME


def test_a_removed_field_is_drift() -> None:
    assert "labels" not in rules.refreshed(JOB, changed(JOB, "metadata", {"name": "train"}))["metadata"]


def test_a_secrets_text_is_compared_with_the_servers_data() -> None:
    inputs = manifest("Secret", stringData={"a": "x"})
    assert rules.refreshed(inputs, manifest("Secret", data={"a": "eA==", "b": "eQ=="})) == inputs
    assert rules.refreshed(inputs, manifest("Secret", data={"a": "eQ=="}))["stringData"] == {"a": "y"}
