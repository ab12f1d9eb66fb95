"""What AWS's index of tags knows of a stack. It still lists for a while what is gone: whoever uses it asks again."""

from ..aws.account import Account
from ..aws.owner import PROJECT, STACK, Owner


def tagged(account: Account, owner: Owner, *kinds: str) -> list[str]:
    """ARNs of what the stack's program tagged, of the kinds (as ecr:repository) or of all."""
    filters = [{"Key": STACK, "Values": [owner.stack]}, {"Key": PROJECT, "Values": [owner.project]}]
    narrowed = {"ResourceTypeFilters": list(kinds)} if kinds else {}
    found = account.all(
        "resourcegroupstaggingapi", "get_resources", "ResourceTagMappingList", TagFilters=filters, **narrowed
    )
    return sorted(one["ResourceARN"] for one in found)
