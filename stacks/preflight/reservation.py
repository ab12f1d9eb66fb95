"""Whether the reserved capacity that the settings name is there, large enough, and where the stack trains."""

from typing import Any

from components.zones import training_zone

from ..aws.account import Account, tags_of
from ..aws.trouble import Trouble
from .finding import Finding, ok, wrong
from .wanted import Wanted
from .zones import offering, region_zones

KINDS = {"default": "on-demand", "capacity-block": "capacity-block"}
"""What EC2 calls a reservation's type, and what the settings do."""


def reservation(account: Account, wanted: Wanted) -> Finding:
    given, instance = wanted.reservation, wanted.instance
    if given is None or instance is None:
        return ok("reservation", "none is named: on demand, as AWS has machines free")
    try:
        found = account.all(
            "ec2", "describe_capacity_reservations", "CapacityReservations", CapacityReservationIds=[given.id]
        )
    except Trouble as trouble:
        if not trouble.code.startswith("InvalidCapacityReservationId"):
            raise
        found = []
    if not found:
        listing = account.command("ec2", "describe-capacity-reservations")
        return wrong("reservation", f"{given.id} is not in {account.region}", listing)
    faults = [*_faults(found[0], wanted), *_place(account, found[0], wanted), *_room(account, found[0], wanted)]
    if faults:
        return wrong("reservation", f"{given.id} {'; '.join(text for text, _ in faults)}", faults[0][1])
    place = f"{found[0]['TotalInstanceCount']} × {found[0]['InstanceType']} in {found[0]['AvailabilityZone']}"
    end = found[0].get("EndDate")
    return ok("reservation", f"{given.id}: {place}, active{f' until {end:%Y-%m-%d %H:%M} UTC' if end else ''}")


Fault = tuple[str, str | None]
"""What is wrong with a reservation, and the command that mends it."""


def _faults(found: dict[str, Any], wanted: Wanted) -> list[Fault]:
    faults: list[Fault] = []
    stack, name = wanted.owner.stack, wanted.instance.name if wanted.instance else ""
    state, kind = found["State"], KINDS.get(found.get("ReservationType", "default"), "of an unknown kind")
    if state != "active":
        begins = f", and begins {found['StartDate']:%Y-%m-%d %H:%M} UTC" if found.get("StartDate") else ""
        faults.append((f"is {state}{begins if state in ('scheduled', 'pending') else ''}", None))
    if found["InstanceType"] != name:
        mend = f"pulumi config set --path trainyard:nodes.instanceType {found['InstanceType']} --stack {stack}"
        faults.append((f"is for {found['InstanceType']}, and the stack trains on {name}", mend))
    if wanted.reservation and kind != wanted.reservation.kind:
        mend = f"pulumi config set --path trainyard:nodes.reservation.kind {kind} --stack {stack}"
        faults.append((f"is {kind}, and the settings say {wanted.reservation.kind}", mend))
    return faults


def _place(account: Account, found: dict[str, Any], wanted: Wanted) -> list[Fault]:
    """Where no zone offers the instance type, the check of zones tells."""
    there, offers = [zone.name for zone in region_zones(account)], offering(account, found["InstanceType"])
    try:
        zone = training_zone(offers, there, wanted.zone, instance_type=found["InstanceType"])
    except ValueError:
        return []
    place = found["AvailabilityZone"]
    mend = f"pulumi config set --path trainyard:network.zone {place} --stack {wanted.owner.stack}"
    return [] if zone == place else [(f"is in {place}, and the stack trains in {zone}", mend)]


def _room(account: Account, found: dict[str, Any], wanted: Wanted) -> list[Fault]:
    """Too few machines; those of the stack's own that run in the reservation already are not taken from it."""
    filters = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
    reserved = account.all("ec2", "describe_instances", "Reservations", Filters=filters)
    own = sum(
        one.get("CapacityReservationId") == found["CapacityReservationId"] and wanted.owner.has(tags_of(one))
        for group in reserved
        for one in group["Instances"]
    )
    free = found["AvailableInstanceCount"] + own
    if free >= wanted.nodes:
        return []
    mend = f"pulumi config set --path trainyard:nodes.count {max(free, 1)} --stack {wanted.owner.stack}"
    return [
        (f"has {free} of its {found['TotalInstanceCount']} machines free, and the stack wants {wanted.nodes}", mend)
    ]
