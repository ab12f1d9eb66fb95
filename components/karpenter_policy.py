"""What Karpenter's controller may do in AWS: six policy documents, as plain data.

They follow those of Karpenter 1.14's CloudFormation template and are narrower: subnets, security groups and capacity
reservations are the stack's own rather than the account's, images are EKS's, and there are no rights over instance
profiles, since the nodes' profile is made beforehand.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Document = dict[str, Any]
Conditions = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What the rights are limited to."""

    partition: str
    region: str
    account_id: str
    cluster_name: str
    node_role_arn: str
    queue_arn: str
    subnet_ids: tuple[str, ...]
    security_group_ids: tuple[str, ...]
    reservation_ids: tuple[str, ...] = ()

    def ec2(self, *resources: str, account: str = "*") -> list[str]:
        """ARNs of `resources`; an image and its snapshots belong to no account."""
        return [f"arn:{self.partition}:ec2:{self.region}:{account}:{resource}" for resource in resources]

    @property
    def cluster_arn(self) -> str:
        return f"arn:{self.partition}:eks:{self.region}:{self.account_id}:cluster/{self.cluster_name}"

    def owned(self, prefix: str) -> Conditions:
        """That a resource (aws:ResourceTag) or a request (aws:RequestTag) bears the tags of the cluster's Karpenter."""
        tags = {f"{prefix}/kubernetes.io/cluster/{self.cluster_name}": "owned"}
        if prefix == REQUEST:
            tags[f"{prefix}/eks:eks-cluster-name"] = self.cluster_name
        return {"StringEquals": tags, "StringLike": {f"{prefix}/karpenter.sh/nodepool": "*"}}


REQUEST, RESOURCE = "aws:RequestTag", "aws:ResourceTag"
LAUNCH = ["ec2:RunInstances", "ec2:CreateFleet"]
MADE = ("fleet/*", "instance/*", "volume/*", "network-interface/*", "launch-template/*", "spot-instances-request/*")
"""What a launch makes. What may be in it is told by its tags alone: nobody knows the names beforehand."""


def node_lifecycle(scope: Scope) -> Document:
    """To launch nodes from the stack's own parts, and to tag and terminate what it has launched."""
    made = scope.ec2(*MADE)
    creating = {"ec2:CreateAction": ["RunInstances", "CreateFleet", "CreateLaunchTemplate"]}
    requested, existing = scope.owned(REQUEST), scope.owned(RESOURCE)
    return _document(
        _allow("LaunchFrom", LAUNCH, _launched_from(scope)),
        _allow("LaunchFromOwnTemplates", LAUNCH, scope.ec2("launch-template/*"), existing),
        _allow("Launch", [*LAUNCH, "ec2:CreateLaunchTemplate"], made, requested),
        _allow("TagWhatIsMade", ["ec2:CreateTags"], made, _also(requested, creating)),
        _allow("NameInstances", ["ec2:CreateTags"], scope.ec2("instance/*"), existing | _naming(scope)),
        _allow(
            "Terminate",
            ["ec2:TerminateInstances", "ec2:DeleteLaunchTemplate"],
            scope.ec2("instance/*", "launch-template/*"),
            existing,
        ),
    )


def _launched_from(scope: Scope) -> list[str]:
    subnets = [f"subnet/{one}" for one in scope.subnet_ids]
    groups = [f"security-group/{one}" for one in scope.security_group_ids]
    reserved = [f"capacity-reservation/{one}" for one in scope.reservation_ids]
    images = scope.ec2("image/*", "snapshot/*", account="")
    return [*images, *scope.ec2(*subnets, *groups, *reserved, "placement-group/*")]


def _naming(scope: Scope) -> Conditions:
    return {
        "StringEqualsIfExists": {f"{REQUEST}/eks:eks-cluster-name": scope.cluster_name},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["eks:eks-cluster-name", "karpenter.sh/nodeclaim", "Name"]},
    }


def iam_integration(scope: Scope) -> Document:
    """To give instances the nodes' role, and no other."""
    only = {"StringEquals": {"iam:PassedToService": ["ec2.amazonaws.com", "ec2.amazonaws.com.cn"]}}
    return _document(_allow("PassNodeRole", ["iam:PassRole"], [scope.node_role_arn], only))


def eks_integration(scope: Scope) -> Document:
    return _document(_allow("DescribeCluster", ["eks:DescribeCluster"], [scope.cluster_arn]))


def interruption(scope: Scope) -> Document:
    """To hear of instances that are about to go."""
    actions = ["sqs:DeleteMessage", "sqs:GetQueueUrl", "sqs:ReceiveMessage"]
    return _document(_allow("ReadQueue", actions, [scope.queue_arn]))


def zonal_shift(scope: Scope) -> Document:
    """To see whether AWS has moved the cluster out of a zone. The action knows no resources, but this condition."""
    only = {"StringEquals": {"arc-zonal-shift:ResourceIdentifier": scope.cluster_arn}}
    return _document(_allow("ReadZonalShift", ["arc-zonal-shift:GetManagedResource"], ["*"], only))


DESCRIBED = (
    "CapacityReservations",
    "Images",
    "Instances",
    "InstanceStatus",
    "InstanceTypeOfferings",
    "InstanceTypes",
    "LaunchTemplates",
    "PlacementGroups",
    "SecurityGroups",
    "SpotPriceHistory",
    "Subnets",
)


def resource_discovery(scope: Scope) -> Document:
    """To look, and no more. EC2's lists, prices and the list of instance profiles know no resources."""
    here = {"StringEquals": {"aws:RequestedRegion": scope.region}}
    images = f"arn:{scope.partition}:ssm:{scope.region}::parameter/aws/service/eks/optimized-ami/*"
    profiles = f"arn:{scope.partition}:iam::{scope.account_id}:instance-profile/*"
    return _document(
        _allow("DescribeHere", [f"ec2:Describe{one}" for one in DESCRIBED], ["*"], here),
        _allow("ReadImageIds", ["ssm:GetParameter"], [images]),
        _allow("ReadPrices", ["pricing:GetProducts"], ["*"]),
        _allow("ListInstanceProfiles", ["iam:ListInstanceProfiles"], ["*"]),
        _allow("ReadInstanceProfiles", ["iam:GetInstanceProfile"], [profiles]),
    )


DOCUMENTS: dict[str, Callable[[Scope], Document]] = {
    "node-lifecycle": node_lifecycle,
    "iam-integration": iam_integration,
    "eks-integration": eks_integration,
    "interruption": interruption,
    "zonal-shift": zonal_shift,
    "resource-discovery": resource_discovery,
}


def _document(*statements: Document) -> Document:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _allow(sid: str, actions: list[str], resources: list[str], conditions: Conditions | None = None) -> Document:
    statement = {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}
    return statement | ({"Condition": conditions} if conditions else {})


def _also(conditions: Conditions, equal: dict[str, Any]) -> Conditions:
    return conditions | {"StringEquals": conditions["StringEquals"] | equal}
