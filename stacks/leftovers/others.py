"""What has the stack's tags and is of no kind that is looked for by itself."""

import re

from ..aws.account import Account
from ..aws.owner import Owner
from .leftover import Leftover
from .tagged import tagged

OF_EC2 = "|".join(
    [
        *("elastic-ip", "instance", "internet-gateway", "launch-template", "natgateway", "network-interface"),
        *("route-table", "security-group", "subnet", "volume", "vpc", "vpc-endpoint"),
    ]
)
LOOKED_FOR = re.compile(
    rf"""arn:[\w-]+:(?:
        autoscaling: | ecr: | eks: | elasticloadbalancing: | events: | iam: | kms: | logs: | s3: | sqs:
        | ec2:[^:]*:\d*:(?:{OF_EC2})/
        | fsx:[^:]*:\d*:file-system/
    )""",
    re.VERBOSE,
)
"""ARNs of the other kinds. A security group's rules go with their group."""
PARTS = re.compile(r"arn:[\w-]+:ec2:[^:]*:\d*:security-group-rule/")


def others(account: Account, owner: Owner) -> list[Leftover]:
    found = [arn for arn in tagged(account, owner) if not LOOKED_FOR.match(arn) and not PARTS.match(arn)]
    words = ("resourcegroupstaggingapi", "get-resources", "--resource-arn-list")
    text = "AWS's index of tags has it, which still lists for a while what is gone; no price is known. See if it is:"
    return [Leftover(arn.split(":")[2], arn, text.rstrip(":"), None, account.command(*words, arn)) for arn in found]
