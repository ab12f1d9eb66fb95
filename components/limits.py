"""What AWS would refuse only minutes after it was asked, as plain checks that give a sentence, or None."""

import re
from collections.abc import Sequence
from datetime import date
from ipaddress import IPv4Network

from .subnets import PRIVATE_RANGES, SHARED_RANGE
from .versions import KUBERNETES, STANDARD_SUPPORT_ENDS

LUSTRE_THROUGHPUTS = (125, 250, 500, 1000)
"""MB/s for each TiB that FSx for Lustre PERSISTENT_2 on SSD can be given."""

LOG_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
"""For how many days CloudWatch can keep logs: PutRetentionPolicy in its API reference, read 2026-11-21."""

LUSTRE_UNIT = 2400
"""GiB. A file system has half of it, or whole multiples."""

BUCKET = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"


def kubernetes_fault(version: str, today: date) -> str | None:
    """Why a cluster of `version` should not be made: it is out of standard support, or nothing here goes with it."""
    allowed = [one for one in KUBERNETES if today <= STANDARD_SUPPORT_ENDS[one]]
    if version in allowed:
        return None
    tail = f"Allowed: {', '.join(allowed) or 'none that this version of Trainyard knows, take a newer one'}."
    end = STANDARD_SUPPORT_ENDS.get(version)
    if end and end < today:
        return f"Kubernetes {version} left EKS's standard support on {end.isoformat()}. {tail}"
    return f"Kubernetes {version} has no add-ons and images here that go with it. {tail}"


def lustre_capacity_fault(gib: int) -> str | None:
    if gib == LUSTRE_UNIT // 2 or (gib > 0 and gib % LUSTRE_UNIT == 0):
        return None
    larger = max(LUSTRE_UNIT // 2, -(-gib // LUSTRE_UNIT) * LUSTRE_UNIT)
    return (
        f"FSx for Lustre has no file system of {gib} GiB. Allowed: {LUSTRE_UNIT // 2}, or a multiple of {LUSTRE_UNIT}; "
        f"the next larger one is {larger}."
    )


def lustre_throughput_fault(megabytes: int) -> str | None:
    if megabytes in LUSTRE_THROUGHPUTS:
        return None
    return (
        f"FSx for Lustre cannot give {megabytes} MB/s for each TiB. Allowed: {', '.join(map(str, LUSTRE_THROUGHPUTS))}."
    )


def log_days_fault(days: int) -> str | None:
    if days in LOG_DAYS:
        return None
    return f"CloudWatch keeps no logs for {days} days. Allowed: {', '.join(map(str, LOG_DAYS))}."


def bucket_fault(name: str) -> str | None:
    if re.fullmatch(BUCKET, name) and ".." not in name:
        return None
    return f"{name!r} is no S3 bucket's name. Allowed: 3 to 63 lower-case letters, digits, dots and hyphens."


def s3_folder_fault(url: str) -> str | None:
    if re.fullmatch(rf"s3://{BUCKET}(/.*)?", url):
        return None
    return f"{url!r} is no place in S3. Allowed: s3://bucket or s3://bucket/prefix/."


def cluster_label_fault(label: str) -> str | None:
    """The same of what an EKS cluster's name begins with: eight digits of a key's id are to follow."""
    if re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z_-]{0,89}", label):
        return None
    return f"{label!r} cannot begin an EKS cluster's name. Allowed: up to 90 letters, digits, hyphens and underscores."


def public_access_fault(cidrs: Sequence[str]) -> str | None:
    """Why EKS would not open its public endpoint to `cidrs`. Whether the whole internet is meant is not asked here."""
    for text in cidrs:
        try:
            block = IPv4Network(text)
        except ValueError as error:
            return f"{text!r} is not an IPv4 CIDR block: {error}. Allowed: a block such as 198.51.100.7/32."
        if any(block.subnet_of(one) for one in (*PRIVATE_RANGES, SHARED_RANGE)):
            return f"{text} is a private range, which never reaches a public endpoint. Allowed: public blocks."
    return None
