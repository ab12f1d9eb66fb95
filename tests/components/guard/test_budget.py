"""A budget that somebody hears of."""

from typing import Any

import pulumi

from components.guard.budget import Budget, BudgetArgs
from tests.components.recorded import only, recorded


def budget(**more: Any) -> dict[str, Any]:
    def program() -> None:
        pulumi.export("name", Budget("budget", BudgetArgs(dollars=500, emails=["a@yard.example"], **more)).name)

    return dict(only(recorded(program), "aws:budgets/budget:Budget").inputs)


def test_it_counts_a_months_dollars() -> None:
    made = budget()
    assert (made["budgetType"], made["timeUnit"]) == ("COST", "MONTHLY")
    assert (made["limitAmount"], made["limitUnit"]) == ("500.00", "USD")


def test_somebody_is_told_at_each_percentage_and_before_it_is_too_late() -> None:
    told = [(one["notificationType"], one["threshold"]) for one in budget(percentages=(50, 90))["notifications"]]
    assert told == [("ACTUAL", 50), ("ACTUAL", 90), ("FORECASTED", 100)]


def test_every_alarm_goes_to_everybody_named() -> None:
    for one in budget(topic_arns=["arn:topic"])["notifications"]:
        assert one["subscriberEmailAddresses"] == ["a@yard.example"]
        assert one["subscriberSnsTopicArns"] == ["arn:topic"]


def test_it_counts_the_whole_account_unless_tags_are_named() -> None:
    assert "costFilters" not in budget()
    assert budget(tags={"trainyard:stack": "dev"})["costFilters"] == [
        {"name": "TagKeyValue", "values": ["user:trainyard:stack$dev"]}
    ]
