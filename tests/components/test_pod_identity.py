"""Pod Identity: a role for one service account, and an association that means that it has its rights."""

import json

import pulumi
from pulumi_aws import sqs

from components.pod_identity import PodIdentity, PodIdentityArgs, trust_of
from tests.components.recorded import only, recorded, waits_for


def program() -> None:
    identity = PodIdentity(
        "id",
        PodIdentityArgs(
            cluster_name="yard", namespace="kube-system", service_account="robot", policies={"one": "{}", "two": "{}"}
        ),
    )
    sqs.Queue("user", name=identity.association)
    pulumi.export("role", identity.role_arn)


def test_only_the_one_service_account_of_the_one_cluster_takes_the_role_on() -> None:
    (statement,) = json.loads(trust_of("yard", "kube-system", "robot"))["Statement"]
    assert statement["Principal"] == {"Service": "pods.eks.amazonaws.com"}
    assert statement["Action"] == ["sts:AssumeRole", "sts:TagSession"]
    assert statement["Condition"] == {
        "StringEquals": {
            "aws:RequestTag/eks-cluster-name": "yard",
            "aws:RequestTag/kubernetes-namespace": "kube-system",
            "aws:RequestTag/kubernetes-service-account": "robot",
        }
    }
    assert json.loads(only(recorded(program), "Role").inputs["assumeRolePolicy"])["Statement"] == [statement]


def test_the_association_is_known_once_the_role_has_its_rights() -> None:
    assert waits_for(recorded(program), "user") == {"id-role", "id-one", "id-two", "id-association"}
