"""Who builds images in the cluster: a service account that may push to the stack's own repositories."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_kubernetes import core

from .pod_identity import PodIdentity, PodIdentityArgs, policy
from .pods import metadata

ACCOUNT = "image-builder"

PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
PUSH = (
    *PULL,
    "ecr:CompleteLayerUpload",
    "ecr:DescribeImages",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageBuilderArgs:
    """`push` and `pull` are ARNs of ECR repositories; public ones need no right."""

    cluster_name: pulumi.Input[str]
    namespace: pulumi.Input[str]
    push: Sequence[pulumi.Input[str]]
    pull: Sequence[pulumi.Input[str]] = ()


class ImageBuilder(pulumi.ComponentResource):
    """A service account, and its rights in AWS by Pod Identity. It costs nothing."""

    account: pulumi.Output[str]
    """The service account's name, once pods of it get credentials."""

    def __init__(self, name: str, args: ImageBuilderArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("trainyard:components:ImageBuilder", name, {}, opts)
        document = pulumi.Output.all(args.push, args.pull).apply(lambda known: rights(*known))
        identity = PodIdentity(
            f"{name}-identity",
            PodIdentityArgs(
                cluster_name=args.cluster_name,
                namespace=args.namespace,
                service_account=ACCOUNT,
                policies={"images": document},
            ),
            pulumi.ResourceOptions(parent=self),
        )
        account = core.v1.ServiceAccount(
            f"{name}-account",
            metadata=metadata(ACCOUNT, args.namespace),
            automount_service_account_token=False,
            # a pod that starts before the association is there never gets credentials
            opts=pulumi.ResourceOptions(parent=self, depends_on=[identity]),
        )
        self.account = account.metadata.apply(lambda _: ACCOUNT)
        self.register_outputs({"account": self.account})


def rights(push: Sequence[str], pull: Sequence[str]) -> str:
    """Pushing to some repositories, pulling from others. A login has no resource to be limited to."""
    return policy(
        _allow(["ecr:GetAuthorizationToken"], ["*"]), _allow(PUSH, push), *([_allow(PULL, pull)] if pull else [])
    )


def _allow(actions: Sequence[str], resources: Sequence[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
