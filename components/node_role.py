"""The IAM role that nodes carry."""

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from .outputs import once

POLICIES = {
    "worker": "AmazonEKSWorkerNodePolicy",
    "images": "AmazonEC2ContainerRegistryPullOnly",
    "sessions": "AmazonSSMManagedInstanceCore",
}
NETWORK_POLICY = {"network": "AmazonEKS_CNI_Policy"}


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRoleArgs:
    """`network` is False where vpc-cni has the rights of its own service account, by Pod Identity."""

    network: bool = True
    partition: str = "aws"


class NodeRole(pulumi.ComponentResource):
    """What a node may do by itself: join, pull images, attach addresses for pods, be reached by Session Manager.

    Pods get their rights by Pod Identity, never from here. Managed node groups and Karpenter's nodes take one role
    each: EKS makes the access entry of a managed group's role itself, and refuses a second one. It costs nothing.
    """

    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    """Both known once the role has its rights: a node that comes earlier may fail to join."""

    def __init__(self, name: str, args: NodeRoleArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("trainyard:components:NodeRole", name, {}, opts)
        inner = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(f"{name}-role", assume_role_policy=trust(), opts=inner)
        attached = [
            aws.iam.RolePolicyAttachment(f"{name}-{purpose}", role=role.name, policy_arn=arn, opts=inner)
            for purpose, arn in policy_arns(args).items()
        ]
        ids = [one.id for one in attached]
        self.name, self.arn = once(role.name, *ids), once(role.arn, *ids)
        self.register_outputs({"name": self.name, "arn": self.arn})


def policy_arns(args: NodeRoleArgs) -> dict[str, str]:
    named = POLICIES | (NETWORK_POLICY if args.network else {})
    return {purpose: f"arn:{args.partition}:iam::aws:policy/{policy}" for purpose, policy in named.items()}


def trust() -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, sort_keys=True)
