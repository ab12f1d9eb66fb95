"""Which things are a stack's where a list of them tells no tags."""

from collections.abc import Mapping
from functools import partial

from ..aws.account import Account, tags_of
from ..aws.owner import PROJECT, STACK, Owner
from ..aws.together import together


def tagged(account: Account, owner: Owner, *kinds: str) -> list[str]:
    """ARNs of what AWS's index of tags has as tagged by the stack's program, of the kinds (as kms:key) or of all.

    The index still lists for a while what is gone: whoever uses it asks again.
    """
    filters = [{"Key": STACK, "Values": [owner.stack]}, {"Key": PROJECT, "Values": [owner.project]}]
    narrowed = {"ResourceTypeFilters": list(kinds)} if kinds else {}
    found = account.all(
        "resourcegroupstaggingapi", "get_resources", "ResourceTagMappingList", TagFilters=filters, **narrowed
    )
    return sorted(one["ResourceARN"] for one in found)


def owned(account: Account, owner: Owner, service: str, argument: str, arns: Mapping[str, str]) -> list[str]:
    """The names in `arns` that are the stack's, each asked for its tags; `argument` is what takes the ARN."""

    def has(arn: str) -> bool:
        answer = account.ask(service, "list_tags_for_resource", **{argument: arn})
        return owner.has(tags_of(answer))

    answers = together([partial(has, arn) for arn in arns.values()])
    return [name for name, own in zip(arns, answers, strict=True) if own]
