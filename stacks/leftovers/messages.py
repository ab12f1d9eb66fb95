"""The queue by which Karpenter hears of interruptions, and the rules that fill it."""

from ..aws.account import Account
from ..aws.owner import Owner
from ..aws.trouble import Trouble
from .leftover import Leftover
from .tagged import owned, tagged


def queues(account: Account, owner: Owner) -> list[Leftover]:
    names = [arn.rpartition(":")[2] for arn in tagged(account, owner, "sqs")]
    found = {name: url for name in names if (url := _url(account, name))}
    words = ("sqs", "delete-queue", "--queue-url")
    return [Leftover("queue", name, "", 0.0, account.command(*words, url)) for name, url in found.items()]


def _url(account: Account, name: str) -> str | None:
    try:
        return account.ask("sqs", "get_queue_url", QueueName=name)["QueueUrl"]
    except Trouble as trouble:
        if "NonExistentQueue" in trouble.code or "QueueDoesNotExist" in trouble.code:
            return None
        raise


def rules(account: Account, owner: Owner) -> list[Leftover]:
    arns = {one["Name"]: one["Arn"] for one in account.all("events", "list_rules", "Rules")}
    return [_rule(account, name) for name in owned(account, owner, "events", "ResourceARN", arns)]


def _rule(account: Account, name: str) -> Leftover:
    targets = [one["Id"] for one in account.all("events", "list_targets_by_rule", "Targets", Rule=name)]
    steps = [account.command("events", "remove-targets", "--rule", name, "--ids", *targets)] if targets else []
    command = " && ".join([*steps, account.command("events", "delete-rule", "--name", name)])
    return Leftover("event rule", name, "", 0.0, command)
