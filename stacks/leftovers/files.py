"""FSx file systems."""

from typing import Any

from .. import prices
from ..aws.account import Account, tags_of
from ..aws.owner import Owner
from .ec2 import UNPRICED
from .leftover import Leftover


def file_systems(account: Account, owner: Owner) -> list[Leftover]:
    found = account.all("fsx", "describe_file_systems", "FileSystems")
    return [_left(account, one) for one in found if owner.has(tags_of(one)) and one.get("Lifecycle") != "DELETING"]


def _left(account: Account, one: dict[str, Any]) -> Leftover:
    speed = (one.get("LustreConfiguration") or {}).get("PerUnitStorageThroughput", 0)
    price, gib = prices.LUSTRE_GB_MONTH.get(speed), one["StorageCapacity"]
    daily = None if price is None else gib * price.dollars / prices.HOURS_A_MONTH * 24
    text = f"{one['FileSystemType'].title()}, {gib} GiB at {speed} MB/s for each TiB"
    known = one["FileSystemId"]
    command = account.command("fsx", "delete-file-system", "--file-system-id", known)
    return Leftover("file system", known, text if price else f"{text}, {UNPRICED}", daily, command)
