"""Who may use the cluster: EKS access entries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws
import pulumi_eks as eks

Policy = Literal["ClusterAdmin", "Admin", "AdminView", "Edit", "View"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """An IAM user or role, and which of EKS's access policies it has: in `namespaces`, or in the whole cluster."""

    principal_arn: pulumi.Input[str]
    policy: Policy = "ClusterAdmin"
    namespaces: Sequence[str] = ()


def access_entries(access: Mapping[str, Access]) -> dict[str, eks.AccessEntryArgs]:
    return {name: _entry(one) for name, one in access.items()}


def _entry(access: Access) -> eks.AccessEntryArgs:
    scope = aws.eks.AccessPolicyAssociationAccessScopeArgs(
        type="namespace" if access.namespaces else "cluster", namespaces=list(access.namespaces) or None
    )
    policy = eks.AccessPolicyAssociationArgs(
        policy_arn=f"arn:aws:eks::aws:cluster-access-policy/AmazonEKS{access.policy}Policy", access_scope=scope
    )
    return eks.AccessEntryArgs(principal_arn=access.principal_arn, access_policies={"policy": policy})
