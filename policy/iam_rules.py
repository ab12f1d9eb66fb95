"""Rules over rights in AWS: named actions, and no resource wider than it has to be."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from .rule import Props, Rule, listed

READS = ("Describe", "Get", "List", "BatchGet", "BatchCheck", "Head", "Query", "Search", "Receive")
"""How the names of actions begin that change nothing."""

EXCEPTIONS: Mapping[str, str] = {
    "ecr:GetAuthorizationToken": "a login knows no resource; what may be done with it is said elsewhere",
    "sts:AssumeRole": "in a trust policy the resource is the role itself",
    "sts:TagSession": "in a trust policy the resource is the role itself",
}
"""Actions that may have the resource *, each with its reason."""

TOO_WIDE = ("AdministratorAccess", "PowerUserAccess", "IAMFullAccess", "FullAccess")
"""How the names of AWS's own policies end that nobody needs here."""

RESOURCE_POLICIES = ("queuePolicy:QueuePolicy", "bucketPolicy:BucketPolicy", "repositoryPolicy:RepositoryPolicy")
TRUST = ("iam/role:Role",)
RIGHTS = ("iam/rolePolicy:RolePolicy", "iam/policy:Policy", "iam/userPolicy:UserPolicy")


def statements(document: Any) -> list[Mapping[str, Any]]:
    """The statements of a policy that allow something."""
    whole = json.loads(document) if isinstance(document, str) else document or {}
    return [one for one in listed(whole.get("Statement")) if one.get("Effect") == "Allow"]


def is_read(action: str) -> bool:
    return action.partition(":")[2].startswith(READS)


def _rights(_: str, props: Props) -> Iterator[str]:
    for one in statements(props.get("policy")):
        actions = listed(one.get("Action"))
        if "NotAction" in one or "NotResource" in one:
            yield "says what is not allowed, and allows all else"
        for action in actions:
            if action == "*" or action.endswith(":*"):
                yield f"allows {action}: name the actions"
            elif "*" in listed(one.get("Resource")) and not is_read(action) and action not in EXCEPTIONS:
                yield f"allows {action} on every resource"


def _open_to_all(kind: str, props: Props) -> Iterator[str]:
    document = props.get("assumeRolePolicy") if kind.endswith(TRUST) else props.get("policy")
    for one in statements(document):
        principal = one.get("Principal")
        everybody = principal == "*" or "*" in listed((principal or {}).get("AWS")) if principal else True
        if everybody and not one.get("Condition"):
            yield "is open to everybody"


def _managed(_: str, props: Props) -> Iterator[str]:
    arns = [*listed(props.get("policyArn")), *listed(props.get("managedPolicyArns"))]
    for arn in (one for one in arns if str(one).endswith(TOO_WIDE)):
        yield f"takes {str(arn).rpartition('/')[2]}, which is far more than is needed"


RULES: tuple[Rule, ...] = (
    Rule(name="named-rights", says="Rights name their actions and resources.", types=RIGHTS, check=_rights),
    Rule(
        name="named-principals",
        says="No role, queue, bucket or repository is open to everybody.",
        types=(*TRUST, *RESOURCE_POLICIES),
        check=_open_to_all,
    ),
    Rule(
        name="no-wide-policies",
        says="No role takes one of AWS's policies for administrators.",
        types=("RolePolicyAttachment", "UserPolicyAttachment", *TRUST),
        check=_managed,
    ),
)
