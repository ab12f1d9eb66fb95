"""Why AWS makes an object not, or lets it not go: in the words, roughly, that its services have for it."""

import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

from . import aws_rules, differences

if TYPE_CHECKING:
    from .aws_world import Thing, World


def of_create(world: "World", thing: "Thing") -> Iterator[str]:
    yield from of_references(world, thing)
    yield from _taken(world, thing)
    special = _CREATES.get(thing.kind)
    if special:
        yield from special(world, thing)


def of_references(world: "World", thing: "Thing") -> Iterator[str]:
    """Everything that is named has to be there."""
    for reference in aws_rules.references(thing.kind, thing.inputs):
        if not aws_rules.is_elsewhere(reference) and world.named(reference) is None:
            path = differences.text(reference.path)
            yield f"{path}: the {reference.kind} '{reference.value}' does not exist"


def of_delete(world: "World", thing: "Thing") -> Iterator[str]:
    """Nothing that others use goes."""
    going = [thing, *world.owned_by(thing)]
    for other in world.all():
        for reference in aws_rules.references(other.kind, other.inputs):
            if reference.holds and other not in going and world.named(reference) in going:
                yield f"DependencyViolation: {thing.kind} '{thing.id}' is in use by {other.kind} '{other.id}'"
    special = _DELETES.get(thing.kind)
    if special:
        yield from special(world, thing)


def _taken(world: "World", thing: "Thing") -> Iterator[str]:
    key = aws_rules.UNIQUE.get(thing.kind, ())
    wanted = [thing.inputs.get(one) for one in key]
    for other in world.all(thing.kind):
        if key and other is not thing and [other.inputs.get(one) for one in key] == wanted:
            yield f"AlreadyExists: there is a {thing.kind} with {dict(zip(key, wanted, strict=True))} already"


def _subnet(world: "World", thing: "Thing") -> Iterator[str]:
    """In a block of its VPC, and beside the other subnets."""
    block, vpc_id = _block(thing), thing.inputs["vpcId"]
    holders = [*world.all("ec2.Vpc"), *world.all("ec2.VpcIpv4CidrBlockAssociation")]
    own = [one for one in holders if vpc_id in (one.id, one.inputs.get("vpcId"))]
    if not any(block.subnet_of(_block(one)) for one in own):
        yield f"InvalidSubnet.Range: the CIDR '{block}' is invalid"
    for other in world.all("ec2.Subnet"):
        if other is not thing and other.inputs["vpcId"] == vpc_id and _block(other).overlaps(block):
            yield f"InvalidSubnet.Conflict: the CIDR '{block}' conflicts with another subnet"


def _block(thing: "Thing") -> IPv4Network:
    return IPv4Network(thing.inputs["cidrBlock"])


def _nat_gateway(world: "World", thing: "Thing") -> Iterator[str]:
    subnet = world.get("ec2.Subnet", thing.inputs["subnetId"])
    if subnet and not _in_vpc(world, "ec2.InternetGateway", subnet.inputs["vpcId"]):
        yield f"Gateway.NotAttached: network {subnet.inputs['vpcId']} has no Internet gateway attached"


def _cluster(world: "World", thing: "Thing") -> Iterator[str]:
    subnets = [world.get("ec2.Subnet", one) for one in thing.inputs["vpcConfig"]["subnetIds"]]
    if len({one.outputs["availabilityZone"] for one in subnets if one}) < 2:
        yield "InvalidParameterException: subnets specified must be in at least two different AZs"


_DESCRIPTION = re.compile(r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{0,255}")


def _described(_: "World", thing: "Thing") -> Iterator[str]:
    description = thing.inputs.get("description") or ""
    if not _DESCRIPTION.fullmatch(description):
        yield f"InvalidParameterValue: invalid security group description '{description}'"


def _internet_gateway(world: "World", thing: "Thing") -> Iterator[str]:
    vpc_id = thing.inputs.get("vpcId", "")
    if _in_vpc(world, "ec2.NatGateway", vpc_id):
        yield f"DependencyViolation: network {vpc_id} has some mapped public address(es)"


def _secondary_block(world: "World", thing: "Thing") -> Iterator[str]:
    for subnet in world.all("ec2.Subnet"):
        if subnet.inputs["vpcId"] == thing.inputs["vpcId"] and _block(subnet).subnet_of(_block(thing)):
            yield f"InvalidCidrBlock.InUse: '{_block(thing)}' has the subnet '{subnet.id}'"


def _in_vpc(world: "World", kind: str, vpc_id: str) -> bool:
    """Whether an object of this kind is there, by itself or by its subnet."""
    subnets = {one.id for one in world.all("ec2.Subnet") if one.inputs["vpcId"] == vpc_id}
    return any(one.inputs.get("vpcId") == vpc_id or one.inputs.get("subnetId") in subnets for one in world.all(kind))


def _full(world: "World", thing: "Thing") -> Iterator[str]:
    if world.contents.get(thing.id) and not (thing.inputs.get("forceDestroy") or thing.inputs.get("forceDelete")):
        yield f"NotEmpty: the {thing.kind} '{thing.id}' you tried to delete is not empty"


_CREATES: Mapping[str, Any] = {
    "ec2.NatGateway": _nat_gateway,
    "ec2.SecurityGroup": _described,
    "ec2.Subnet": _subnet,
    "eks.Cluster": _cluster,
    "vpc.SecurityGroupEgressRule": _described,
    "vpc.SecurityGroupIngressRule": _described,
}
_DELETES: Mapping[str, Any] = {
    "ec2.InternetGateway": _internet_gateway,
    "ec2.VpcIpv4CidrBlockAssociation": _secondary_block,
    "ecr.Repository": _full,
    "s3.Bucket": _full,
}
