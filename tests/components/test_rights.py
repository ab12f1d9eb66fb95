"""A service account may do what is listed, and nobody else gains by it."""

from typing import Any

import pulumi
from pulumi_kubernetes import core

from components.rights import Rights, RightsArgs, may
from stacks.recorder import Recording
from tests.components.recorded import all_of, only, recorded, waits_for


def built(**more: Any) -> Recording:
    def program() -> None:
        rights = RightsArgs(account="worker", namespace="place", **more)
        account = Rights("rights", rights).account
        core.v1.Pod("user", spec={"service_account_name": account, "containers": [{"name": "x"}]})
        pulumi.export("account", account)

    return recorded(program)


def test_the_account_can_be_used_once_it_has_all_its_rights() -> None:
    recording = built(here=[may("", ["pods"], "list")], everywhere=[may("", ["nodes"], "get")])
    bindings = {one.name for kind in ("RoleBinding", "ClusterRoleBinding") for one in all_of(recording, kind)}
    assert len(bindings) == 2
    assert waits_for(recording, "user") >= bindings | {"rights-account", "rights-role", "rights-cluster-role"}
    assert recording.outputs["account"] == "worker"


def test_rights_in_one_namespace_bring_none_in_others() -> None:
    recording = built(here=[may("", ["pods"], "list")])
    assert not all_of(recording, "ClusterRole")
    assert not all_of(recording, "ClusterRoleBinding")
    assert only(recording, "Role").inputs["metadata"]["namespace"] == "place"


def test_bindings_name_the_account_alone() -> None:
    recording = built(here=[may("", ["pods"], "list")], everywhere=[may("", ["nodes"], "get")])
    for kind in ("RoleBinding", "ClusterRoleBinding"):
        binding = only(recording, kind).inputs
        assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "worker", "namespace": "place"}]
        assert binding["roleRef"]["name"] == "worker"


def test_a_pod_that_does_not_ask_for_the_accounts_token_gets_none() -> None:
    assert only(built(), "ServiceAccount").inputs["automountServiceAccountToken"] is False


def test_a_right_can_be_held_to_named_objects() -> None:
    assert may("batch", ["jobs"], "patch", names=["one"]).get("resource_names") == ["one"]
    assert "resource_names" not in may("batch", ["jobs"], "patch")
