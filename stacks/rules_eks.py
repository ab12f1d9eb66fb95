"""Rules about the platform `eks`: what AWS would refuse after ten minutes is refused at once."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from components import limits
from components.subnets import cidr_faults

from .mistakes import Mistake

if TYPE_CHECKING:
    from .settings import Settings

CLUSTER, NETWORK, STORAGE, RESULTS, NODES, GUARD, OBSERVABILITY = (
    ("cluster",),
    ("network",),
    ("storage",),
    ("results",),
    ("nodes",),
    ("guard",),
    ("observability",),
)
BLOCKS = {"primary": "primaryCidr", "secondary": "nodeCidr", "services": "serviceCidr"}
"""What the pure checks call a network, and the key that it is set by."""


def addresses(settings: "Settings") -> Iterator[Mistake]:
    network = settings.keys.network
    faults = cidr_faults(primary=network.primary_cidr, secondary=network.node_cidr, services=network.service_cidr)
    for block, fault in faults.items():
        yield Mistake(("network", BLOCKS[block]), fault)


def zone_elsewhere(zone: str | None, region: str | None) -> Iterator[Mistake]:
    """A zone to train in whose name is none that `region`, the config's aws:region, gives to its zones."""
    if zone and region and not re.fullmatch(f"{re.escape(region)}[a-z]", zone):
        yield Mistake(
            ("network", "zone"),
            f"{zone!r} is no zone of {region} (aws:region). A zone there is written as {region}a. Left out, the first "
            "that offers the instance type is taken.",
        )


def cluster(settings: "Settings") -> Iterator[Mistake]:
    given = settings.keys.cluster
    version = limits.kubernetes_fault(given.kubernetes, datetime.now(UTC).date())
    if version:
        yield Mistake(("cluster", "kubernetes"), version)
    access = limits.public_access_fault(given.public_access_cidrs)
    if access:
        yield Mistake(("cluster", "publicAccessCidrs"), access)


def file_system(settings: "Settings") -> Iterator[Mistake]:
    given = settings.keys.storage
    capacity, throughput = (
        limits.lustre_capacity_fault(given.capacity),
        limits.lustre_throughput_fault(given.throughput),
    )
    if capacity:
        yield Mistake(("storage", "capacity"), capacity)
    if throughput:
        yield Mistake(("storage", "throughput"), throughput)
    folder = limits.s3_folder_fault(given.data) if given.data else None
    if folder:
        yield Mistake(("storage", "data"), folder)


def bucket(settings: "Settings") -> Iterator[Mistake]:
    given = settings.results.bucket
    fault = limits.bucket_fault(given) if given else None
    if fault:
        yield Mistake(("results", "bucket"), fault)


def reservation(settings: "Settings") -> Iterator[Mistake]:
    given = settings.nodes.reservation
    if given and given.kind == "capacity-block" and given.placement_group:
        yield Mistake(
            ("nodes", "reservation", "placementGroup"),
            "a capacity block is in no placement group: AWS places its instances itself. Leave it out.",
        )


def logs(settings: "Settings") -> Iterator[Mistake]:
    fault = limits.log_days_fault(settings.keys.observability.log_days)
    if fault:
        yield Mistake(("observability", "logDays"), fault)


def alarm(settings: "Settings") -> Iterator[Mistake]:
    given = settings.keys.guard
    if given.monthly_dollars and not given.emails:
        yield Mistake(("guard", "emails"), "is empty: whom should the budget's alarm tell? Give at least one address.")
