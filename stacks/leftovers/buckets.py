"""The results bucket, which stays when its stack goes, unless `trainyard:results: {keep: false}` said otherwise."""

from ..aws.account import Account
from ..aws.owner import Owner
from ..aws.trouble import Trouble
from .leftover import Leftover
from .tagged import tagged


def buckets(account: Account, owner: Owner, kept: bool) -> list[Leftover]:
    names = [arn.rpartition(":")[2] for arn in tagged(account, owner, "s3")]
    text = "by the GB; its old versions go first, as the console's Empty does"
    return [
        Leftover("bucket", name, text, None, account.command("s3", "rb", f"s3://{name}", "--force"), kept=kept)
        for name in names
        if _is_there(account, name)
    ]


def _is_there(account: Account, name: str) -> bool:
    try:
        account.ask("s3", "head_bucket", Bucket=name)
    except Trouble as trouble:
        if trouble.code in ("404", "NoSuchBucket"):
            return False
        raise
    return True
