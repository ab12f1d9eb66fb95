"""A stack's leftovers, by its name. Its config may have mistakes by now: what it once made is there all the same."""

from collections.abc import Mapping
from pathlib import Path

from workloads.programs.errors import UserError

from .. import config
from ..aws.account import Account
from ..aws.owner import Owner
from .search import Searched, search


def leftovers(stack: str, project: Path = config.PROJECT) -> Searched:
    """UserError without a region to look in, FileNotFoundError where there is no Pulumi.<stack>.yaml."""
    raw = config.from_file(stack, project)
    region, results = raw.others.get("aws:region"), raw.values.get("results")
    if not region:
        raise UserError(
            f"aws:region: is not set, and leftovers are looked for in one region. "
            f"`pulumi config set aws:region us-west-2 --stack {stack}`"
        )
    keep = results.get("keep", True) if isinstance(results, Mapping) else True
    return search(Account(region, raw.others.get("aws:profile")), Owner(stack), keep=keep is not False)
