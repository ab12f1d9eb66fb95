"""AWS rights for a service account of the cluster, by EKS Pod Identity."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from .outputs import once

Statement = Mapping[str, Any]


def policy(*statements: Statement) -> str:
    """An IAM policy document, the same text for the same statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, sort_keys=True)


TRUST = policy(
    {
        "Effect": "Allow",
        "Principal": {"Service": "pods.eks.amazonaws.com"},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
    }
)
"""Who may take such a role: EKS's agent on the nodes, for the pods that an association names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodIdentityArgs:
    """`policies` are policy documents as JSON, by a name of the reader's own."""

    cluster_name: pulumi.Input[str]
    namespace: pulumi.Input[str]
    service_account: str
    policies: Mapping[str, pulumi.Input[str]]


class PodIdentity(pulumi.ComponentResource):
    """A role with nothing but `policies`, which this service account alone can take on. It costs nothing.

    A pod that starts before the association is there gets no credentials until it is started again: whoever installs
    the pods waits for `association`.
    """

    role_arn: pulumi.Output[str]
    association: pulumi.Output[str]
    """The association's id, known once the role has its rights as well."""

    def __init__(self, name: str, args: PodIdentityArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("trainyard:components:PodIdentity", name, {}, opts)
        inner = pulumi.ResourceOptions(parent=self)
        whom = pulumi.Output.all(args.cluster_name, args.namespace, args.service_account)
        role = aws.iam.Role(f"{name}-role", assume_role_policy=whom.apply(lambda known: trust_of(*known)), opts=inner)
        policies = [
            aws.iam.RolePolicy(f"{name}-{purpose}", role=role.id, policy=document, opts=inner)
            for purpose, document in args.policies.items()
        ]
        association = aws.eks.PodIdentityAssociation(
            f"{name}-association",
            cluster_name=args.cluster_name,
            namespace=args.namespace,
            service_account=args.service_account,
            role_arn=role.arn,
            opts=inner,
        )
        self.role_arn = role.arn
        self.association = once(association.association_id, *(one.id for one in policies))
        self.register_outputs({"role_arn": self.role_arn, "association": self.association})


def trust_of(cluster: str, namespace: str, service_account: str) -> str:
    """The same for one service account alone: EKS says which one it is by the session's tags."""
    whom = {
        "aws:RequestTag/eks-cluster-name": cluster,
        "aws:RequestTag/kubernetes-namespace": namespace,
        "aws:RequestTag/kubernetes-service-account": service_account,
    }
    return policy({**json.loads(TRUST)["Statement"][0], "Condition": {"StringEquals": whom}})
