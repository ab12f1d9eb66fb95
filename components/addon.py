"""One EKS add-on at a pinned version, with a role of its own where it calls AWS."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_aws as aws

from .outputs import once
from .pod_identity import TRUST


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What the pods of `service_account` may do in AWS: an AWS managed policy by its ARN, or a document of our own."""

    service_account: str
    managed_policy: str | None = None
    policy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AddonArgs:
    """`addon` is its name at EKS, `configuration` its values as EKS's schema for that version has them."""

    cluster_name: pulumi.Input[str]
    addon: str
    version: str
    configuration: Mapping[str, Any] = field(default_factory=dict)
    identity: Identity | None = None


class Addon(pulumi.ComponentResource):
    """An add-on, and its role. It costs nothing by itself, and goes with the cluster: EKS is told to preserve none."""

    arn: pulumi.Output[str]
    """Known once EKS finds the add-on active."""

    def __init__(self, name: str, args: AddonArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("trainyard:components:Addon", name, {}, opts)
        associations = [self._association(name, args.identity)] if args.identity else None
        addon = aws.eks.Addon(
            f"{name}-addon",
            cluster_name=args.cluster_name,
            addon_name=args.addon,
            addon_version=args.version,
            configuration_values=json.dumps(args.configuration, sort_keys=True) if args.configuration else None,
            pod_identity_associations=associations,
            preserve=False,
            # what somebody changed by hand in the cluster gives way to what stands here
            resolve_conflicts_on_create="OVERWRITE",
            resolve_conflicts_on_update="OVERWRITE",
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.arn = addon.arn
        self.register_outputs({"arn": self.arn})

    def _association(self, name: str, identity: Identity) -> aws.eks.AddonPodIdentityAssociationArgs:
        child = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(f"{name}-role", assume_role_policy=TRUST, opts=child)
        rights: list[pulumi.Output[str]] = []
        if identity.managed_policy:
            attachment = aws.iam.RolePolicyAttachment(
                f"{name}-rights", role=role.name, policy_arn=identity.managed_policy, opts=child
            )
            rights.append(attachment.id)
        if identity.policy:
            rights.append(aws.iam.RolePolicy(f"{name}-policy", role=role.id, policy=identity.policy, opts=child).id)
        return aws.eks.AddonPodIdentityAssociationArgs(
            role_arn=once(role.arn, *rights), service_account=identity.service_account
        )
