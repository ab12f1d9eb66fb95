"""What the checks of a preflight are held against."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from stacks.aws.account import Account
from stacks.preflight.quotas import QUOTAS
from stacks.preflight.wanted import Wanted, wanted
from tests.stacks.planned import Planned, planned
from tests.stacks.planted import Refused, plant

PLENTY = 100_000


def wants(found: Planned) -> Wanted:
    return wanted(found.settings, found.run, found.resources, "dev")


@cache
def _dev() -> Wanted:
    return wants(planned())


def dev(**changes: Any) -> Wanted:
    """What the dev stack would use, with some of it changed."""
    return replace(_dev(), **changes)


def allow(account: Account, **codes: int) -> None:
    """Plants quotas by code, `_` for its hyphen; of the rest plenty. moto knows those of VPCs alone."""
    values = {one.code: PLENTY for one in QUOTAS} | {code.replace("_", "-"): value for code, value in codes.items()}

    def answer(body: bytes) -> dict[str, Any] | Refused:
        code = json.loads(body)["QuotaCode"]
        return {"Quota": {"QuotaCode": code, "Value": float(values[code])}}

    plant(account, "service-quotas", "GetServiceQuota", answer)


def support(account: Account, version: str, status: str = "STANDARD_SUPPORT") -> None:
    """Plants EKS's word on a version of Kubernetes: moto has none."""
    end = datetime(2027, 3, 27, tzinfo=UTC)
    told = {"clusterVersion": version, "versionStatus": status, "endOfStandardSupportDate": end}
    plant(account, "eks", "DescribeClusterVersions", {"clusterVersions": [told]})


def offer(account: Account, instance_type: str, *zones: str) -> None:
    """Plants the zones that offer an instance type: moto's list is of some past day."""
    offers = [{"InstanceType": instance_type, "LocationType": "availability-zone", "Location": zone} for zone in zones]
    plant(account, "ec2", "DescribeInstanceTypeOfferings", {"InstanceTypeOfferings": offers})
