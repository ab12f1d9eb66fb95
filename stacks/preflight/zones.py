"""Which zones offer the instance type, and whether the one to train in is among them."""

from components.zones import Zone, control_plane_zones, training_zone

from ..aws.account import Account
from .finding import Finding, ok, wrong
from .wanted import Wanted


def zones(account: Account, wanted: Wanted) -> Finding:
    if wanted.instance is None:
        return ok("zones", "nothing to train on")
    name, stack = wanted.instance.name, wanted.owner.stack
    there, offers = region_zones(account), offering(account, name)
    try:
        training = training_zone(offers, [zone.name for zone in there], wanted.zone, instance_type=name)
        control_plane_zones(there)
    except ValueError as error:
        usable = sorted(set(offers) & {zone.name for zone in there})
        zone = f"pulumi config set --path trainyard:network.zone {usable[0]} --stack {stack}" if usable else ""
        return wrong("zones", str(error), zone or f"pulumi config set aws:region us-west-2 --stack {stack}")
    chosen = "as network.zone says" if wanted.zone else "the first of them"
    return ok("zones", f"{name} is offered in {', '.join(sorted(set(offers)))}; {training} is to train, {chosen}")


def region_zones(account: Account) -> list[Zone]:
    """The zones that a stack may use: no local or wavelength zones, as in components/zones.py."""
    given = [{"Name": "opt-in-status", "Values": ["opt-in-not-required"]}, {"Name": "state", "Values": ["available"]}]
    found = account.all("ec2", "describe_availability_zones", "AvailabilityZones", Filters=given)
    return [Zone(one["ZoneName"], one["ZoneId"]) for one in found]


def offering(account: Account, instance_type: str) -> list[str]:
    """Names of the zones that offer `instance_type`. That says nothing of capacity that is free."""
    found = account.all(
        "ec2",
        "describe_instance_type_offerings",
        "InstanceTypeOfferings",
        LocationType="availability-zone",
        Filters=[{"Name": "instance-type", "Values": [instance_type]}],
    )
    return [one["Location"] for one in found]
