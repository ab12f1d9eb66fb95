"""Which availability zones to use: asked of AWS, chosen by a rule that always chooses the same of the same answer."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

WITHOUT_CONTROL_PLANE = frozenset({"use1-az3", "usw1-az2", "cac1-az3"})
"""Ids of zones in which EKS places no control plane: its guide, "Subnet requirements for clusters", read 2026-11-21."""


@dataclass(frozen=True, slots=True)
class Zone:
    """An availability zone; its name means another place in another account, its id the same one in all."""

    name: str
    id: str


@dataclass(frozen=True, slots=True)
class Zones:
    """The zone that trains, and the two that the control plane stands in."""

    training: str
    control_plane: tuple[str, str]


def training_zone(offers: Sequence[str], zones: Sequence[str], wanted: str | None, *, instance_type: str) -> str:
    """`wanted`, or the first of `zones` by name that offers `instance_type`; ValueError if there is none such."""
    offering = sorted(set(offers) & set(zones))
    there = f"The region's zones: {', '.join(sorted(zones))}."
    if not offering:
        raise ValueError(
            f"No zone of this region offers {instance_type}. {there} Choose another region or another instance type."
        )
    if wanted is None:
        return offering[0]
    if wanted in offering:
        return wanted
    trouble = f"does not offer {instance_type}" if wanted in zones else "is no zone of this region"
    raise ValueError(
        f"{wanted} {trouble}. {there} Choose one that offers {instance_type}: {', '.join(offering)}; or leave it out."
    )


def control_plane_zones(zones: Sequence[Zone]) -> tuple[str, str]:
    """The first two zones by name that take an EKS control plane, whatever they offer to train on."""
    names = sorted(zone.name for zone in zones if zone.id not in WITHOUT_CONTROL_PLANE)
    if len(names) < 2:
        raise ValueError(
            "An EKS control plane needs two zones that take one, and this region has "
            f"{names[0] if names else 'none'}. Choose another region."
        )
    return names[0], names[1]


def look_up(instance_type: str, wanted: str | None, opts: pulumi.InvokeOptions | None = None) -> pulumi.Output[Zones]:
    """Asks AWS for the region's zones and for those that offer `instance_type`, and chooses."""
    region = aws.get_availability_zones_output(
        state="available",
        # no local or wavelength zones: neither EKS nor FSx is at home there
        filters=[aws.GetAvailabilityZonesFilterArgs(name="opt-in-status", values=["opt-in-not-required"])],
        opts=opts,
    )
    offerings = aws.ec2.get_instance_type_offerings_output(
        location_type="availability-zone",
        filters=[aws.ec2.GetInstanceTypeOfferingsFilterArgs(name="instance-type", values=[instance_type])],
        opts=opts,
    )
    zones = region.apply(lambda answer: [Zone(*pair) for pair in zip(answer.names, answer.zone_ids, strict=True)])
    answers = pulumi.Output.all(zones=zones, offers=offerings.locations)
    return answers.apply(lambda answer: _choose(answer["zones"], answer["offers"], instance_type, wanted))


def _choose(zones: Sequence[Zone], offers: Sequence[str], instance_type: str, wanted: str | None) -> Zones:
    try:
        training = training_zone(offers, [zone.name for zone in zones], wanted, instance_type=instance_type)
        return Zones(training, control_plane_zones(zones))
    except ValueError as error:
        raise pulumi.RunError(str(error)) from None
