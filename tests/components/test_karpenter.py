"""Karpenter: installed once it can work, and gone only when nothing needs it any more."""

from typing import Any

import pulumi
import pytest
from pulumi_aws import eks, sqs

from components.karpenter import Karpenter, KarpenterArgs, values
from components.karpenter_policy import DOCUMENTS
from components.versions import KARPENTER_CHART
from stacks.recorder import Recording
from tests.components.recorded import all_of, only, recorded, waits_for

ARGS: dict[str, Any] = {
    "cluster_name": "yard",
    "cluster_endpoint": "https://yard.example",
    "region": "us-west-2",
    "account_id": "123456789012",
    "node_role_name": "nodes",
    "node_role_arn": "arn:aws:iam::123456789012:role/nodes",
    "subnet_ids": ["subnet-a"],
    "security_group_ids": ["sg-1"],
    "runs_on": [],
}


def built(**more: Any) -> Recording:
    def program() -> None:
        core = eks.PodIdentityAssociation(
            "core", cluster_name="yard", namespace="x", role_arn="arn:x", service_account="x"
        )
        karpenter = Karpenter("karpenter", KarpenterArgs(**{**ARGS, "runs_on": [core.association_id], **more}))
        sqs.Queue("pool", name=karpenter.instance_profile)
        pulumi.export("queue", karpenter.queue_name)

    return recorded(program)


def releases(recording: Recording) -> dict[str, dict[str, Any]]:
    return {one.inputs["name"]: dict(one.inputs) for one in all_of(recording, "Release")}


def chart(**more: Any) -> dict[str, Any]:
    return values(KarpenterArgs(**ARGS | more), "yard", "warnings")


def test_the_controller_comes_with_all_that_it_needs_and_outlives_what_needs_it() -> None:
    waits = waits_for(built(), "pool")
    rights = {f"karpenter-identity-{document}" for document in DOCUMENTS}
    parts = {"karpenter-controller", "karpenter-definitions", "karpenter-entry", "karpenter-nodes"}
    assert waits >= rights | parts | {"karpenter-identity-association", "karpenter-interruption-queue", "core"}


def test_the_chart_waits_for_rights_definitions_and_nodes_to_run_on() -> None:
    waits = waits_for(built(), "karpenter-controller")
    assert {"karpenter-identity-association", "karpenter-definitions", "core"} <= waits
    assert {f"karpenter-identity-{document}" for document in DOCUMENTS} <= waits


def test_definitions_come_from_their_own_chart_of_the_same_version_which_updates_them() -> None:
    made = releases(built())
    assert set(made) == {"karpenter", "karpenter-crd"}
    assert {one["version"] for one in made.values()} == {KARPENTER_CHART.version}
    assert made["karpenter-crd"]["chart"] == "oci://public.ecr.aws/karpenter/karpenter-crd"
    assert made["karpenter"]["chart"] == "oci://public.ecr.aws/karpenter/karpenter"


def test_the_service_account_of_the_association_is_the_charts() -> None:
    recording = built()
    association = only(recording, "PodIdentityAssociation", "karpenter-identity-association").inputs
    made = releases(recording)["karpenter"]
    assert (
        association["serviceAccount"] == chart()["serviceAccount"]["name"] == made["values"]["serviceAccount"]["name"]
    )
    assert association["namespace"] == made["namespace"] == "kube-system"


def test_nodes_of_karpenter_are_let_into_the_cluster() -> None:
    entry = only(built(), "AccessEntry").inputs
    assert (entry["type"], entry["principalArn"]) == ("EC2_LINUX", ARGS["node_role_arn"])
    assert "kubernetesGroups" not in entry


def test_the_controller_hears_of_interruptions_and_knows_cluster_and_region() -> None:
    made = chart()
    assert made["settings"] == {
        "clusterName": "yard",
        "clusterEndpoint": "https://yard.example",
        "interruptionQueue": "warnings",
    }
    assert made["controller"]["env"] == [{"name": "AWS_REGION", "value": "us-west-2"}]


def test_the_controller_needs_no_name_server_of_the_cluster() -> None:
    assert chart()["dnsPolicy"] == "Default"


@pytest.mark.parametrize("replicas", [1, 2])
def test_there_are_as_many_replicas_as_core_nodes_can_take(replicas: int) -> None:
    assert chart(replicas=replicas)["replicas"] == replicas


def test_a_registry_of_the_users_own_has_charts_and_image() -> None:
    made = releases(built(mirror="registry.example/copies"))
    assert made["karpenter"]["chart"] == "oci://registry.example/copies/karpenter/karpenter"
    image = chart(mirror="registry.example/copies")["controller"]["image"]
    assert image == {"repository": "registry.example/copies/karpenter/controller"}
    assert "image" not in chart()["controller"]
