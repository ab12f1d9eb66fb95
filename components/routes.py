"""The subnets' way to the internet: a gateway for the public ones, NAT gateways for the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws

from .outputs import once

ANYWHERE = "0.0.0.0/0"

NatGateways = Literal["one", "zone"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutesArgs:
    """`public` subnets, one a zone; `private` ones go out by the NAT gateway of their zone, or else by the first."""

    vpc_id: pulumi.Input[str]
    public: Sequence[aws.ec2.Subnet]
    private: Sequence[aws.ec2.Subnet]
    nat: NatGateways


class Routes(pulumi.ComponentResource):
    """An internet gateway, and NAT gateways at $0.045 an hour each, with an address at $0.005.

    Prices of us-east-1 in guides of 2026 to AWS's price list, read 2026-11-21.
    """

    public_subnet_ids: Sequence[pulumi.Output[str]]
    private_subnet_ids: Sequence[pulumi.Output[str]]
    """The subnets' ids in their order, known once there is a way out: what is in them goes before it does."""
    private_table_ids: Sequence[pulumi.Output[str]]
    """One for each NAT gateway."""

    def __init__(self, name: str, args: RoutesArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("trainyard:components:Routes", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        internet = aws.ec2.InternetGateway(f"{name}-internet", vpc_id=args.vpc_id, opts=child)
        out = aws.ec2.RouteTableRouteArgs(cidr_block=ANYWHERE, gateway_id=internet.id)
        table = aws.ec2.RouteTable(f"{name}-public", vpc_id=args.vpc_id, routes=[out], opts=child)
        self.public_subnet_ids = [
            self._route(f"{name}-public-{number}", one, table.id) for number, one in enumerate(args.public, 1)
        ]
        with_nat = args.public if args.nat == "zone" else args.public[:1]
        self.private_table_ids = [
            self._private_table(f"{name}-private-{number}", args.vpc_id, subnet_id)
            for number, subnet_id in enumerate(self.public_subnet_ids[: len(with_nat)], 1)
        ]
        self.private_subnet_ids = [
            self._route(f"{name}-private-{number}", one, self._nearest_table(one, with_nat))
            for number, one in enumerate(args.private, 1)
        ]
        self.register_outputs({})

    def _private_table(
        self, name: str, vpc_id: pulumi.Input[str], public_subnet_id: pulumi.Input[str]
    ) -> pulumi.Output[str]:
        child = pulumi.ResourceOptions(parent=self)
        address = aws.ec2.Eip(f"{name}-address", domain="vpc", opts=child)
        # AWS wants the internet gateway first: it stands behind the public subnet's id, which is known once routed
        nat = aws.ec2.NatGateway(f"{name}-nat", subnet_id=public_subnet_id, allocation_id=address.id, opts=child)
        out = aws.ec2.RouteTableRouteArgs(cidr_block=ANYWHERE, nat_gateway_id=nat.id)
        return aws.ec2.RouteTable(name, vpc_id=vpc_id, routes=[out], opts=child).id

    def _nearest_table(self, subnet: aws.ec2.Subnet, with_nat: Sequence[aws.ec2.Subnet]) -> pulumi.Output[str]:
        zones = pulumi.Output.all(*(one.availability_zone for one in with_nat))
        known = pulumi.Output.all(subnet.availability_zone, zones, pulumi.Output.all(*self.private_table_ids))
        return known.apply(lambda one: nearest(*one))

    def _route(self, name: str, subnet: aws.ec2.Subnet, table_id: pulumi.Input[str]) -> pulumi.Output[str]:
        association = aws.ec2.RouteTableAssociation(
            f"{name}-route",
            subnet_id=subnet.id,
            route_table_id=table_id,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return once(subnet.id, association.id)


def nearest(zone: str, zones: Sequence[str], choices: Sequence[str]) -> str:
    """The one of `choices` that is in `zone`, or the first."""
    return dict(zip(zones, choices, strict=True)).get(zone, choices[0])
