"""Rights in a cluster: a service account, and roles that are bound to it alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_kubernetes import core, rbac

from .outputs import once
from .pods import labels, metadata

Rule = rbac.v1.PolicyRuleArgsDict


def may(group: str, kinds: Sequence[str], *verbs: str, names: Sequence[str] = ()) -> Rule:
    """The right to `verbs` on `kinds` of an API group (the core one is empty); with `names`, on those objects only."""
    rule: Rule = {"api_groups": [group], "resources": list(kinds), "verbs": list(verbs)}
    return {**rule, "resource_names": list(names)} if names else rule


@dataclass(frozen=True, slots=True, kw_only=True)
class RightsArgs:
    """`here` are rights in the account's namespace, `everywhere` rights in all of them."""

    account: str
    namespace: pulumi.Input[str]
    here: Sequence[Rule] = ()
    everywhere: Sequence[Rule] = ()


class Rights(pulumi.ComponentResource):
    """A service account that may do just what is listed. It costs nothing."""

    account: pulumi.Output[str]
    """The account's name, once it has its rights."""

    def __init__(self, name: str, args: RightsArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("trainyard:components:Rights", name, {}, opts)
        inner = pulumi.ResourceOptions(parent=self)
        account = core.v1.ServiceAccount(
            f"{name}-account",
            metadata=metadata(args.account, args.namespace),
            # a pod that does not ask for the token gets none
            automount_service_account_token=False,
            opts=inner,
        )
        bound = [account.metadata, *self._here(name, args, inner), *self._everywhere(name, args, inner)]
        self.account = once(args.account, *bound)
        self.register_outputs({"account": self.account})

    def _here(self, name: str, args: RightsArgs, opts: pulumi.ResourceOptions) -> list[pulumi.Output[Any]]:
        if not args.here:
            return []
        about = metadata(args.account, args.namespace)
        role = rbac.v1.Role(f"{name}-role", metadata=about, rules=list(args.here), opts=opts)
        reference = _reference("Role", args.account)
        subjects = [_subject(args)]
        binding = rbac.v1.RoleBinding(
            f"{name}-binding", metadata=about, subjects=subjects, role_ref=reference, opts=opts
        )
        return [role.metadata, binding.metadata]

    def _everywhere(self, name: str, args: RightsArgs, opts: pulumi.ResourceOptions) -> list[pulumi.Output[Any]]:
        if not args.everywhere:
            return []
        role = rbac.v1.ClusterRole(
            f"{name}-cluster-role",
            metadata={"name": args.account, "labels": labels(args.account)},
            rules=list(args.everywhere),
            opts=opts,
        )
        binding = rbac.v1.ClusterRoleBinding(
            f"{name}-cluster-binding",
            metadata={"name": args.account, "labels": labels(args.account)},
            subjects=[_subject(args)],
            role_ref=_reference("ClusterRole", args.account),
            opts=opts,
        )
        return [role.metadata, binding.metadata]


def _reference(kind: str, name: str) -> rbac.v1.RoleRefArgsDict:
    return {"api_group": "rbac.authorization.k8s.io", "kind": kind, "name": name}


def _subject(args: RightsArgs) -> rbac.v1.SubjectArgsDict:
    return {"kind": "ServiceAccount", "name": args.account, "namespace": args.namespace}
