"""Log groups: the stack's own, and the one that EKS makes again for a last line when its cluster is gone."""

from typing import Any

from ..aws.account import Account
from ..aws.owner import Owner
from .leftover import Leftover
from .tagged import tagged

OF_CLUSTERS = ("/aws/eks/", "/aws/containerinsights/")
"""How the names begin of groups whose next part is a cluster's name: EKS's own, and CloudWatch's."""


def log_groups(account: Account, owner: Owner) -> list[Leftover]:
    arns = [arn for arn in tagged(account, owner, "logs") if ":log-group:" in arn]
    names = [arn.partition(":log-group:")[2].removesuffix(":*") for arn in arns]
    found = [one for name in names for one in _beginning(account, name) if one["logGroupName"] == name]
    for prefix in OF_CLUSTERS:
        named = _beginning(account, f"{prefix}{owner.label}-")
        found += [one for one in named if owner.is_cluster(one["logGroupName"].removeprefix(prefix).split("/")[0])]
    distinct = {one["logGroupName"]: one for one in found}
    return [_left(account, one) for one in distinct.values()]


def _beginning(account: Account, prefix: str) -> list[dict[str, Any]]:
    return account.all("logs", "describe_log_groups", "logGroups", logGroupNamePrefix=prefix)


def _left(account: Account, one: dict[str, Any]) -> Leftover:
    name, stored = one["logGroupName"], one.get("storedBytes", 0)
    days = one.get("retentionInDays")
    text = f"{stored / 1e6:.1f} MB, {f'kept {days} days' if days else 'kept for ever'}"
    command = account.command("logs", "delete-log-group", "--log-group-name", name)
    return Leftover("log group", name, f"{text}, by the GB" if stored else text, None if stored else 0.0, command)
