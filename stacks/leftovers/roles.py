"""IAM roles and instance profiles. They cost nothing; rights that nobody needs are a leftover all the same."""

from functools import partial
from typing import Any

from ..aws.account import Account, tags_of
from ..aws.owner import Owner
from ..aws.together import together
from .leftover import Leftover


def roles(account: Account, owner: Owner) -> list[Leftover]:
    # IAM tells tags here, where list_roles leaves them out
    found = account.all("iam", "get_account_authorization_details", "RoleDetailList", Filter=["Role"])
    return [_role(account, one) for one in found if owner.has(tags_of(one))]


def _role(account: Account, one: dict[str, Any]) -> Leftover:
    of = ("--role-name", one["RoleName"])
    attached = [policy["PolicyArn"] for policy in one.get("AttachedManagedPolicies", [])]
    written = [policy["PolicyName"] for policy in one.get("RolePolicyList", [])]
    steps = [
        *(("detach-role-policy", *of, "--policy-arn", arn) for arn in attached),
        *(("delete-role-policy", *of, "--policy-name", name) for name in written),
        ("delete-role", *of),
    ]
    return Leftover("role", one["RoleName"], "", 0.0, _joined(account, steps))


def instance_profiles(account: Account, owner: Owner) -> list[Leftover]:
    found = account.all("iam", "list_instance_profiles", "InstanceProfiles")
    whole = together([partial(_whole, account, one["InstanceProfileName"]) for one in found])
    return [_profile(account, one) for one in whole if owner.has(tags_of(one))]


def _whole(account: Account, name: str) -> dict[str, Any]:
    """With its tags, which the list leaves out."""
    return account.ask("iam", "get_instance_profile", InstanceProfileName=name)["InstanceProfile"]


def _profile(account: Account, one: dict[str, Any]) -> Leftover:
    of = ("--instance-profile-name", one["InstanceProfileName"])
    held = [role["RoleName"] for role in one.get("Roles", [])]
    steps = [
        *(("remove-role-from-instance-profile", *of, "--role-name", name) for name in held),
        ("delete-instance-profile", *of),
    ]
    return Leftover("instance profile", one["InstanceProfileName"], "", 0.0, _joined(account, steps))


def _joined(account: Account, steps: list[tuple[str, ...]]) -> str:
    return " && ".join(account.command("iam", *words) for words in steps)
