"""Faults made on purpose: each is told, early, and in words that say what to mend."""

import dataclasses
from typing import Any

import pytest
from pulumi import automation as auto

import components.run
from stacks import cluster
from stacks.platforms import existing
from tests.engine.stack import EngineStack
from workloads.launchers import Launched, Manifest, Site, job

from .conftest import eventually
from .control_plane import ControlPlane
from .kubelet import Kubelet
from .test_existing import names, ran


def error_of(stack: EngineStack, **changes: Any) -> str:
    with pytest.raises(auto.CommandError) as error:
        stack.up(**changes)
    return str(error.value)


def test_a_field_that_a_kind_does_not_have_is_refused(
    stack: EngineStack, monkeypatch: pytest.MonkeyPatch, machines: Kubelet, namespace: str
) -> None:
    def misspelt(what: Launched, site: Site) -> list[Manifest]:
        (one,) = job.job(what, site)
        one["spec"]["backofLimit"] = 3
        return [one]

    monkeypatch.setattr(cluster, "LAUNCHERS", {"job": misspelt})
    said = error_of(stack)
    assert "step prepare" in said
    assert 'unknown field "spec.backofLimit"' in said
    assert ran(machines, namespace) == []


def test_a_pod_that_no_node_takes_is_given_up_with_the_schedulers_reason(
    stack: EngineStack, monkeypatch: pytest.MonkeyPatch, machines: Kubelet, namespace: str, plane: ControlPlane
) -> None:
    def intolerant(self: Any, *args: Any) -> Site:
        site = original(self, *args)
        return dataclasses.replace(site, trainium=dataclasses.replace(site.trainium, tolerations=()))

    original = existing.ExistingPlatform._site
    monkeypatch.setattr(existing.ExistingPlatform, "_site", intolerant)
    said = error_of(stack, capacityTimeout="0.1m")
    assert "trainyard:capacityTimeout" in said
    assert "untolerated taint" in said
    assert ran(machines, namespace) == ["prepare"]
    eventually(lambda: not [name for name in names(plane, namespace) if name.startswith(("compile-", "train-"))])


def test_machines_that_are_not_there_are_waited_for_no_longer_than_asked(stack: EngineStack) -> None:
    assert "didn't match Pod's node affinity/selector" in error_of(
        stack, capacityTimeout="0.1m", nodes={"instanceType": "trn1n.32xlarge"}
    )


def test_a_claim_that_is_not_there_is_told_before_anything_runs(
    stack: EngineStack, plane: ControlPlane, namespace: str
) -> None:
    said = error_of(stack, existing={**stack.config["existing"], "claim": "no-such-claim"})
    assert "no-such-claim" in said
    assert names(plane, namespace) == []


def test_a_claim_for_one_node_only_is_told_before_anything_runs(
    stack: EngineStack, plane: ControlPlane, namespace: str
) -> None:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    claims = plane.objects("v1", "PersistentVolumeClaim")
    claims.create({"metadata": {"name": "single"}, "spec": spec}, namespace=namespace)
    said = error_of(stack, existing={**stack.config["existing"], "claim": "single"})
    assert "ReadWriteMany" in said
    assert names(plane, namespace) == []


def test_a_right_that_the_run_lacks_is_named(stack: EngineStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(components.run, "RULES", [rule for rule in components.run.RULES if rule.resources != ["jobs"]])
    said = error_of(stack)
    assert 'cannot list resource "jobs"' in said


def test_a_secret_in_clear_stops_the_preview(stack: EngineStack, plane: ControlPlane, namespace: str) -> None:
    stack.config["hfToken"] = "hf_" + "a1B2c3D4" * 4
    with pytest.raises(auto.CommandError, match="plain text"):
        stack.preview()
    assert names(plane, namespace, "Secret", "v1") == []


def test_a_quota_that_leaves_no_room_is_told_in_the_clusters_words(
    stack: EngineStack, plane: ControlPlane, namespace: str
) -> None:
    quota = {"metadata": {"name": "small"}, "spec": {"hard": {"count/jobs.batch": "1"}}}
    plane.objects("v1", "ResourceQuota").create(quota, namespace=namespace)
    said = error_of(stack)
    assert "exceeded quota: small" in said
