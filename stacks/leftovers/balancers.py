"""Load balancers and target groups, which controllers in the cluster make for Services and Ingresses."""

from collections.abc import Iterator, Sequence
from typing import Any

from .. import prices
from ..aws.account import Account, tags_of
from ..aws.owner import Owner
from .leftover import Leftover

MOST = 20
"""Of how many at a time AWS tells the tags."""


def balancers(account: Account, owner: Owner) -> list[Leftover]:
    found = account.all("elbv2", "describe_load_balancers", "LoadBalancers")
    arns = {one["LoadBalancerArn"]: one for one in found}
    return [
        Leftover(
            "load balancer",
            arns[arn]["LoadBalancerName"],
            arns[arn]["Type"],
            prices.BALANCER_HOUR.dollars * 24,
            account.command("elbv2", "delete-load-balancer", "--load-balancer-arn", arn),
        )
        for arn in _owned(account, owner, list(arns))
    ]


def target_groups(account: Account, owner: Owner) -> list[Leftover]:
    found = account.all("elbv2", "describe_target_groups", "TargetGroups")
    names = {one["TargetGroupArn"]: one["TargetGroupName"] for one in found}
    return [
        Leftover(
            "target group",
            names[arn],
            "",
            0.0,
            account.command("elbv2", "delete-target-group", "--target-group-arn", arn),
        )
        for arn in _owned(account, owner, list(names))
    ]


def classic_balancers(account: Account, owner: Owner) -> list[Leftover]:
    """What Kubernetes itself makes for a Service where no load balancer controller is there."""
    found = account.all("elb", "describe_load_balancers", "LoadBalancerDescriptions")
    names = [one["LoadBalancerName"] for one in found]
    told = [
        one
        for some in _batches(names)
        for one in account.ask("elb", "describe_tags", LoadBalancerNames=some)["TagDescriptions"]
    ]
    return [_classic(account, one["LoadBalancerName"]) for one in told if owner.has(tags_of(one))]


def _classic(account: Account, name: str) -> Leftover:
    command = account.command("elb", "delete-load-balancer", "--load-balancer-name", name)
    return Leftover("classic load balancer", name, "no price is known", None, command)


def _owned(account: Account, owner: Owner, arns: Sequence[str]) -> list[str]:
    told: list[dict[str, Any]] = []
    for some in _batches(arns):
        told += account.ask("elbv2", "describe_tags", ResourceArns=some)["TagDescriptions"]
    return [one["ResourceArn"] for one in told if owner.has(tags_of(one))]


def _batches(names: Sequence[str]) -> Iterator[list[str]]:
    return (list(names[start : start + MOST]) for start in range(0, len(names), MOST))
