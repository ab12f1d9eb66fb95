"""Who asks, and where."""

from ..aws.account import Account
from .finding import Finding, ok
from .wanted import Wanted


def identity(account: Account, wanted: Wanted) -> Finding:
    caller = account.ask("sts", "get_caller_identity")
    return ok("identity", f"{caller['Arn']}, account {caller['Account']}, region {account.region}")
