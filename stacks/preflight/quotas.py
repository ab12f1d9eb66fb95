"""Service Quotas against what a stack would use beside what others in the account use already.

Codes and names are as Service Quotas lists them for accounts whose lists are public (read 2026-11-21).
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ..aws.account import Account, tags_of
from ..aws.owner import Owner
from ..aws.trouble import Trouble
from .finding import Finding, ok, wrong
from .wanted import Wanted

STANDARD_FAMILIES = "a|c|d|h|i|im|is|m|r|t|z"
"""Letters before the generation of the instance types that AWS calls standard."""


@dataclass(frozen=True, slots=True)
class Quota:
    """`needed` is what the stack would use, `used` what is there that is not the stack's own."""

    check: str
    what: str
    service: str
    code: str
    needed: Callable[[Account, Wanted], int]
    used: Callable[[Account, Owner], int]


def quota(limit: Quota, account: Account, wanted: Wanted) -> Finding:
    needed = limit.needed(account, wanted)
    if not needed:
        return ok(limit.check, f"none of {limit.what} is used" + _beforehand(limit, wanted))
    used, allowed = limit.used(account, wanted.owner), _allowed(account, limit)
    sums = f"{needed:,} {limit.what} beside {used:,} in use, of {allowed:,} allowed"
    if used + needed <= allowed:
        return ok(limit.check, sums)
    words = ("service-quotas", "request-service-quota-increase", "--service-code", limit.service)
    more = account.command(*words, "--quota-code", limit.code, "--desired-value", str(used + needed))
    return wrong(limit.check, f"{sums}: {used + needed - allowed:,} too few. AWS takes days to decide", more)


def _beforehand(limit: Quota, wanted: Wanted) -> str:
    return ": a capacity block is bought beforehand" if limit is TRAINIUM and wanted.reservation else ""


def _allowed(account: Account, limit: Quota) -> int:
    """The account's own value; AWS's default while there is none."""
    names = {"ServiceCode": limit.service, "QuotaCode": limit.code}
    try:
        answer = account.ask("service-quotas", "get_service_quota", **names)
    except Trouble as trouble:
        if trouble.code != "NoSuchResourceException":
            raise
        answer = account.ask("service-quotas", "get_aws_default_service_quota", **names)
    return int(answer["Quota"]["Value"])


def _trainium_vcpus(account: Account, wanted: Wanted) -> int:
    """None in a capacity block: its instances are not on demand."""
    in_block = wanted.reservation is not None and wanted.reservation.kind == "capacity-block"
    return 0 if in_block or wanted.instance is None else wanted.nodes * wanted.instance.vcpus


def _standard_vcpus(account: Account, wanted: Wanted) -> int:
    sizes = _vcpus(account, wanted.machines)
    return sum(sizes[kind] * count for kind, count in wanted.machines.items() if is_of(kind, STANDARD_FAMILIES))


def is_of(instance_type: str, families: str) -> bool:
    """Whether an instance type as m7i.xlarge is of one of the families m|r."""
    return re.match(rf"(?:{families})\d", instance_type) is not None


def _vcpus(account: Account, kinds: Iterable[str]) -> dict[str, int]:
    named = sorted(set(kinds))
    if not named:
        return {}
    found = account.all("ec2", "describe_instance_types", "InstanceTypes", InstanceTypes=named)
    return {one["InstanceType"]: one["VCpuInfo"]["DefaultVCpus"] for one in found}


def _running(families: str) -> Callable[[Account, Owner], int]:
    """vCPUs of what runs on demand in `families`: neither spot nor in a capacity block."""

    def used(account: Account, owner: Owner) -> int:
        filters = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
        groups = account.all("ec2", "describe_instances", "Reservations", Filters=filters)
        others = _others([one for group in groups for one in group["Instances"]], owner)
        kinds = [
            one["InstanceType"]
            for one in others
            if is_of(one["InstanceType"], families) and not one.get("InstanceLifecycle")
        ]
        sizes = _vcpus(account, kinds)
        return sum(sizes[kind] for kind in kinds)

    return used


def _others(found: Iterable[dict[str, Any]], owner: Owner) -> list[dict[str, Any]]:
    return [one for one in found if not owner.has(tags_of(one))]


def _addresses(account: Account, owner: Owner) -> int:
    return len(_others(account.all("ec2", "describe_addresses", "Addresses"), owner))


def _vpcs(account: Account, owner: Owner) -> int:
    return len(_others(account.all("ec2", "describe_vpcs", "Vpcs"), owner))


def _storage(account: Account, owner: Owner) -> int:
    found = _others(account.all("fsx", "describe_file_systems", "FileSystems"), owner)
    kinds = [(one.get("LustreConfiguration") or {}).get("DeploymentType") for one in found]
    return sum(one["StorageCapacity"] for one, kind in zip(found, kinds, strict=True) if kind == "PERSISTENT_2")


TRAINIUM = Quota(
    "quota: Trainium", "vCPUs of Trn instances on demand", "ec2", "L-2C3B7624", _trainium_vcpus, _running("trn")
)
QUOTAS = (
    TRAINIUM,
    Quota(
        "quota: processors",
        "vCPUs of standard instances on demand",
        "ec2",
        "L-1216C47A",
        _standard_vcpus,
        _running(STANDARD_FAMILIES),
    ),
    Quota("quota: addresses", "elastic addresses", "ec2", "L-0263D0A3", lambda _, one: one.addresses, _addresses),
    Quota("quota: networks", "VPCs", "vpc", "L-F678F1CE", lambda _, one: one.vpcs, _vpcs),
    Quota(
        "quota: storage",
        "GiB of FSx for Lustre, PERSISTENT_2",
        "fsx",
        "L-8F1B9C74",
        lambda _, one: one.storage_gib,
        _storage,
    ),
)
