"""An AWS Budget that tells somebody."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

Notification = aws.budgets.BudgetNotificationArgs


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetArgs:
    """`emails` and `topic_arns` (SNS topics that budgets.amazonaws.com may publish to): at least one of all."""

    dollars: float
    """A month's."""
    emails: Sequence[str] = ()
    topic_arns: Sequence[pulumi.Input[str]] = ()
    percentages: Sequence[float] = (50, 80, 100)
    """Of the month's dollars: at each of these that was spent somebody is told."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Count only what has these tags. AWS knows a tag's costs once the account's owner has activated it for cost
    allocation, a day after it was first used: until then they are nothing. Empty: the whole account's costs."""


class Budget(pulumi.ComponentResource):
    """A monthly cost budget with alarms. It stops nothing, and AWS sees costs with hours of delay: `ttl` is what stops.

    It costs nothing (AWS's price list for budgets without actions, read 2026-11-21).
    """

    name: pulumi.Output[str]

    def __init__(self, name: str, args: BudgetArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("trainyard:components:Budget", name, {}, opts)
        budget = aws.budgets.Budget(
            f"{name}-budget",
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=f"{args.dollars:.2f}",
            limit_unit="USD",
            cost_filters=_filters(args.tags),
            notifications=notifications(args),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.name = budget.name
        self.register_outputs({"name": self.name})


def _filters(tags: Mapping[str, str]) -> list[aws.budgets.BudgetCostFilterArgs] | None:
    if not tags:
        return None
    values = [f"user:{key}${value}" for key, value in sorted(tags.items())]
    return [aws.budgets.BudgetCostFilterArgs(name="TagKeyValue", values=values)]


def notifications(args: BudgetArgs) -> list[Notification]:
    """One for each percentage that was spent, and one when AWS foresees that the month's dollars will not do."""
    spent = [_notification(args, "ACTUAL", percentage) for percentage in args.percentages]
    return [*spent, _notification(args, "FORECASTED", 100)]


def _notification(args: BudgetArgs, kind: str, percentage: float) -> Notification:
    return Notification(
        notification_type=kind,
        comparison_operator="GREATER_THAN",
        threshold=percentage,
        threshold_type="PERCENTAGE",
        subscriber_email_addresses=list(args.emails),
        subscriber_sns_topic_arns=list(args.topic_arns),
    )
