"""KMS keys and their aliases."""

from .. import prices
from ..aws.account import Account
from ..aws.owner import Owner
from ..aws.trouble import Trouble
from .leftover import Leftover
from .tagged import tagged

DAYS = 7
"""The shortest wait that KMS allows before it deletes a key."""
GOING = ("PendingDeletion", "PendingReplicaDeletion")


def keys(account: Account, owner: Owner) -> list[Leftover]:
    """What waits for its deletion costs nothing, and goes by itself."""
    own = [arn.rpartition("/")[2] for arn in tagged(account, owner, "kms:key")]
    left = [known for known in own if _state(account, known) not in (None, *GOING)]
    words = ("kms", "schedule-key-deletion", "--pending-window-in-days", str(DAYS), "--key-id")
    daily = prices.KEY_MONTH.dollars / prices.HOURS_A_MONTH * 24
    text = "what it encrypted is lost with it"
    return [Leftover("key", known, text, daily, account.command(*words, known)) for known in left]


def _state(account: Account, known: str) -> str | None:
    try:
        return account.ask("kms", "describe_key", KeyId=known)["KeyMetadata"]["KeyState"]
    except Trouble as trouble:
        if "NotFound" in trouble.code:
            return None
        raise


def aliases(account: Account, owner: Owner) -> list[Leftover]:
    """Aliases of the stack's keys, and those with the name of its cluster."""
    own = {arn.rpartition("/")[2] for arn in tagged(account, owner, "kms:key")}
    found = [
        one["AliasName"]
        for one in account.all("kms", "list_aliases", "Aliases")
        if one.get("TargetKeyId") in own or owner.is_cluster(one["AliasName"].rpartition("/")[2])
    ]
    words = ("kms", "delete-alias", "--alias-name")
    return [Leftover("key alias", name, "", 0.0, account.command(*words, name)) for name in found]
