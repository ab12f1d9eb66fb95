"""Karpenter's rights: enough to launch, and over nothing that is not the stack's own."""

import json
from dataclasses import replace
from typing import Any

import pytest

from components.karpenter_policy import DESCRIBED, DOCUMENTS, LAUNCH, Scope, node_lifecycle
from tests.components.policies import statements

SCOPE = Scope(
    partition="aws",
    region="us-west-2",
    account_id="123456789012",
    cluster_name="yard",
    node_role_arn="arn:aws:iam::123456789012:role/nodes",
    queue_arn="arn:aws:sqs:us-west-2:123456789012:warnings",
    subnet_ids=("subnet-a", "subnet-b"),
    security_group_ids=("sg-1",),
)

WITHOUT_RESOURCES = {
    *(f"ec2:Describe{one}" for one in DESCRIBED),
    "pricing:GetProducts",
    "iam:ListInstanceProfiles",
    "arc-zonal-shift:GetManagedResource",
}
"""Actions for which IAM knows no resources (service authorization reference): they look, and change nothing."""


def everything() -> list[dict[str, Any]]:
    return [one for document in DOCUMENTS.values() for one in statements(document(SCOPE))]


def granted(action: str) -> list[dict[str, Any]]:
    return [one for one in everything() if action in one["Action"]]


def test_there_are_six_documents_of_valid_statements_with_sids_of_their_own() -> None:
    assert len(DOCUMENTS) == 6
    sids = [one["Sid"] for one in everything()]
    assert len(sids) == len(set(sids))
    assert all(sid.isalnum() for sid in sids)
    assert all(document(SCOPE)["Version"] == "2012-10-17" for document in DOCUMENTS.values())


def test_a_star_stands_for_all_resources_only_where_iam_knows_no_others() -> None:
    starred = {action for one in everything() if one["Resource"] == ["*"] for action in one["Action"]}
    assert starred == WITHOUT_RESOURCES


def test_no_action_is_granted_by_a_pattern() -> None:
    assert not [action for one in everything() for action in one["Action"] if "*" in action]


def test_nodes_are_launched_in_the_stacks_subnets_with_its_security_groups() -> None:
    resources = [arn for one in granted("ec2:RunInstances") for arn in one["Resource"]]
    assert {arn.rpartition("/")[2] for arn in resources if ":subnet/" in arn} == {"subnet-a", "subnet-b"}
    assert {arn.rpartition("/")[2] for arn in resources if ":security-group/" in arn} == {"sg-1"}


def test_only_reservations_that_were_named_can_be_used_up() -> None:
    def reservations(scope: Scope) -> set[str]:
        arns = {arn for one in statements(node_lifecycle(scope)) for arn in one["Resource"]}
        return {arn.rpartition("/")[2] for arn in arns if ":capacity-reservation/" in arn}

    assert reservations(SCOPE) == set()
    assert reservations(replace(SCOPE, reservation_ids=("cr-1",))) == {"cr-1"}


@pytest.mark.parametrize("action", ["ec2:TerminateInstances", "ec2:DeleteLaunchTemplate"])
def test_only_what_this_clusters_karpenter_has_made_can_be_ended(action: str) -> None:
    (one,) = granted(action)
    assert one["Condition"] == {
        "StringEquals": {"aws:ResourceTag/kubernetes.io/cluster/yard": "owned"},
        "StringLike": {"aws:ResourceTag/karpenter.sh/nodepool": "*"},
    }


def test_what_is_made_must_be_tagged_as_this_clusters() -> None:
    (one,) = granted("ec2:CreateLaunchTemplate")
    assert one["Condition"]["StringEquals"] == {
        "aws:RequestTag/kubernetes.io/cluster/yard": "owned",
        "aws:RequestTag/eks:eks-cluster-name": "yard",
    }
    assert set(LAUNCH) <= set(one["Action"])


def test_tags_come_with_a_launch_or_name_an_instance_of_this_cluster() -> None:
    launching, naming = granted("ec2:CreateTags")
    assert set(launching["Condition"]["StringEquals"]["ec2:CreateAction"]) == {
        "RunInstances",
        "CreateFleet",
        "CreateLaunchTemplate",
    }
    assert naming["Condition"]["StringEquals"] == {"aws:ResourceTag/kubernetes.io/cluster/yard": "owned"}
    assert set(naming["Condition"]["ForAllValues:StringEquals"]["aws:TagKeys"]) == {
        "eks:eks-cluster-name",
        "karpenter.sh/nodeclaim",
        "Name",
    }


def test_one_role_can_be_given_to_instances_and_nothing_in_iam_can_be_changed() -> None:
    (passing,) = granted("iam:PassRole")
    assert passing["Resource"] == [SCOPE.node_role_arn]
    assert "ec2.amazonaws.com" in passing["Condition"]["StringEquals"]["iam:PassedToService"]
    iam = {action for one in everything() for action in one["Action"] if action.startswith("iam:")}
    assert iam == {"iam:PassRole", "iam:ListInstanceProfiles", "iam:GetInstanceProfile"}


def test_the_list_of_rights_is_that_of_karpenter_1_14_without_instance_profiles() -> None:
    actions = {action for one in everything() for action in one["Action"]} - WITHOUT_RESOURCES
    assert actions == {
        *LAUNCH,
        "ec2:CreateLaunchTemplate",
        "ec2:CreateTags",
        "ec2:TerminateInstances",
        "ec2:DeleteLaunchTemplate",
        "iam:PassRole",
        "iam:GetInstanceProfile",
        "eks:DescribeCluster",
        "sqs:DeleteMessage",
        "sqs:GetQueueUrl",
        "sqs:ReceiveMessage",
        "ssm:GetParameter",
    }


def test_looking_around_ends_at_the_region() -> None:
    (one,) = granted("ec2:DescribeInstances")
    assert one["Condition"] == {"StringEquals": {"aws:RequestedRegion": "us-west-2"}}


def test_all_documents_together_fit_into_one_role_whatever_the_cluster_is_called() -> None:
    long = replace(
        SCOPE,
        cluster_name="c" * 100,
        region="ap-southeast-2",
        node_role_arn="arn:aws:iam::123456789012:role/" + "r" * 64,
        queue_arn="arn:aws:sqs:ap-southeast-2:123456789012:" + "q" * 80,
        subnet_ids=tuple(f"subnet-{number:017x}" for number in range(6)),
        reservation_ids=("cr-0123456789abcdef0",),
    )
    size = sum(len(json.dumps(document(long), separators=(",", ":"))) for document in DOCUMENTS.values())
    # IAM's quota for a role's inline policies, which does not count white space
    assert size < 10_240
