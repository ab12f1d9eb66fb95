"""The service account of a recipe's steps: what they may do in AWS."""

from dataclasses import dataclass

import pulumi

from .outputs import once
from .pod_identity import PodIdentity, PodIdentityArgs
from .results import use
from .rights import Rights, RightsArgs

NAME = "trainyard-step"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepAccountArgs:
    cluster_name: pulumi.Input[str]
    namespace: pulumi.Input[str]
    """Known once it is there."""
    namespace_name: str
    """The same as plain text: in AWS all is ready before it is there."""
    bucket_arn: pulumi.Input[str]
    """The results bucket."""


class StepAccount(pulumi.ComponentResource):
    """A service account that may use the results bucket, and nothing else in AWS or the cluster. It costs nothing."""

    account: pulumi.Output[str]
    """Its name, known once pods that use it get their rights."""

    def __init__(self, name: str, args: StepAccountArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("trainyard:components:StepAccount", name, {}, opts)
        inner = pulumi.ResourceOptions(parent=self)
        rights = Rights(f"{name}-rights", RightsArgs(account=NAME, namespace=args.namespace), inner)
        identity = PodIdentity(
            f"{name}-identity",
            PodIdentityArgs(
                cluster_name=args.cluster_name,
                namespace=args.namespace_name,
                service_account=NAME,
                policies={"results": pulumi.Output.from_input(args.bucket_arn).apply(use)},
            ),
            inner,
        )
        self.account = once(rights.account, identity.association)
        self.register_outputs({"account": self.account})
