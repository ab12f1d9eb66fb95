"""What EC2 and its networks hold: one row a kind, in the order in which they let themselves be removed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .. import prices
from ..aws.account import Account, tags_of
from ..aws.owner import Owner
from .leftover import Leftover

Found = Mapping[str, Any]
GONE = {"deleted", "deleting", "shutting-down", "terminated"}
"""States of what AWS still shows, and no longer bills."""
DAY = 24


@dataclass(frozen=True, slots=True)
class Kind:
    """`operation` lists under `key` all that the account has; `id` is the field that `remove` wants at its end."""

    name: str
    operation: str
    key: str
    id: str
    remove: tuple[str, ...]
    hourly: Callable[[Found], float | None] = lambda one: 0.0
    text: Callable[[Found], str] = lambda one: ""
    belongs: Callable[[Found, Owner], bool] = lambda one, owner: owner.has(tags_of(dict(one)))
    before: Callable[[Found], tuple[tuple[str, ...], ...]] = lambda one: ()
    """Commands of ec2's that come before it is removed."""


def of_kind(kind: Kind, account: Account, owner: Owner) -> list[Leftover]:
    found = account.all("ec2", kind.operation, kind.key)
    if kind.key == "Reservations":
        found = [instance for group in found for instance in group["Instances"]]
    return [_left(one, kind, account) for one in found if _state(one) not in GONE and kind.belongs(one, owner)]


def _state(one: Found) -> str:
    state = one.get("State", one.get("Status", ""))
    return str(state["Name"] if isinstance(state, Mapping) else state).lower()


def _left(one: Found, kind: Kind, account: Account) -> Leftover:
    hourly, known = kind.hourly(one), one[kind.id]
    steps = [*kind.before(one), (*kind.remove, known)]
    command = " && ".join(account.command("ec2", *words) for words in steps)
    told = ", ".join(part for part in (kind.text(one), _state(one), "" if hourly is not None else UNPRICED) if part)
    return Leftover(kind.name, known, told, None if hourly is None else hourly * DAY, command)


UNPRICED = "no price is known"


def _instance_hour(one: Found) -> float | None:
    return 0.0 if _state(one) == "stopped" else prices.machine_hour(one["InstanceType"])


def _volume_hour(one: Found) -> float | None:
    return prices.volume_hour(one["Size"]) if one["VolumeType"] == "gp3" else None


def _endpoint_hour(one: Found) -> float:
    return prices.ENDPOINT_HOUR.dollars * len(one.get("SubnetIds", [])) if one["VpcEndpointType"] == "Interface" else 0


def _interface_belongs(one: Found, owner: Owner) -> bool:
    """A control plane's have no tags: EKS writes the cluster's name into the description."""
    named = str(one.get("Description", "")).removeprefix("Amazon EKS ")
    return owner.has(tags_of(dict(one))) or owner.is_cluster(named)


def _group_belongs(one: Found, owner: Owner) -> bool:
    """The default one goes with its VPC, and not before."""
    return one["GroupName"] != "default" and owner.has(tags_of(dict(one)))


def _table_belongs(one: Found, owner: Owner) -> bool:
    main = any(association.get("Main") for association in one.get("Associations", []))
    return not main and owner.has(tags_of(dict(one)))


def _detached(one: Found) -> tuple[tuple[str, ...], ...]:
    words = ("detach-internet-gateway", "--internet-gateway-id", one["InternetGatewayId"], "--vpc-id")
    return tuple((*words, to["VpcId"]) for to in one.get("Attachments", []))


def _unassociated(one: Found) -> tuple[tuple[str, ...], ...]:
    found = [to["RouteTableAssociationId"] for to in one.get("Associations", [])]
    return tuple(("disassociate-route-table", "--association-id", known) for known in found)


INSTANCE = Kind(
    "instance",
    "describe_instances",
    "Reservations",
    "InstanceId",
    ("terminate-instances", "--instance-ids"),
    hourly=_instance_hour,
    text=lambda one: one["InstanceType"],
)
KINDS = (
    INSTANCE,
    Kind(
        "NAT gateway",
        "describe_nat_gateways",
        "NatGateways",
        "NatGatewayId",
        ("delete-nat-gateway", "--nat-gateway-id"),
        hourly=lambda one: prices.NAT_HOUR.dollars,
    ),
    Kind(
        "endpoint",
        "describe_vpc_endpoints",
        "VpcEndpoints",
        "VpcEndpointId",
        ("delete-vpc-endpoints", "--vpc-endpoint-ids"),
        hourly=_endpoint_hour,
        text=lambda one: one["ServiceName"],
    ),
    Kind(
        "volume",
        "describe_volumes",
        "Volumes",
        "VolumeId",
        ("delete-volume", "--volume-id"),
        hourly=_volume_hour,
        text=lambda one: f"{one['Size']} GiB of {one['VolumeType']}",
    ),
    Kind(
        "network interface",
        "describe_network_interfaces",
        "NetworkInterfaces",
        "NetworkInterfaceId",
        ("delete-network-interface", "--network-interface-id"),
        text=lambda one: one.get("Description", ""),
        belongs=_interface_belongs,
    ),
    Kind(
        "address",
        "describe_addresses",
        "Addresses",
        "AllocationId",
        ("release-address", "--allocation-id"),
        hourly=lambda one: prices.ADDRESS_HOUR.dollars,
        text=lambda one: one.get("PublicIp", ""),
    ),
    Kind(
        "launch template",
        "describe_launch_templates",
        "LaunchTemplates",
        "LaunchTemplateId",
        ("delete-launch-template", "--launch-template-id"),
        text=lambda one: one["LaunchTemplateName"],
    ),
    Kind(
        "security group",
        "describe_security_groups",
        "SecurityGroups",
        "GroupId",
        ("delete-security-group", "--group-id"),
        text=lambda one: one["GroupName"],
        belongs=_group_belongs,
    ),
    Kind(
        "route table",
        "describe_route_tables",
        "RouteTables",
        "RouteTableId",
        ("delete-route-table", "--route-table-id"),
        belongs=_table_belongs,
        before=_unassociated,
    ),
    Kind("subnet", "describe_subnets", "Subnets", "SubnetId", ("delete-subnet", "--subnet-id")),
    Kind(
        "internet gateway",
        "describe_internet_gateways",
        "InternetGateways",
        "InternetGatewayId",
        ("delete-internet-gateway", "--internet-gateway-id"),
        before=_detached,
    ),
    Kind("VPC", "describe_vpcs", "Vpcs", "VpcId", ("delete-vpc", "--vpc-id")),
)
