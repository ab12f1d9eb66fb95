"""The VPC: subnets in two zones for the control plane and in one for training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from .endpoints import Endpoints, EndpointsArgs
from .outputs import once
from .routes import NatGateways, Routes, RoutesArgs
from .subnets import PRIMARY, SECONDARY, address_plan

DISCOVERY = "karpenter.sh/discovery"
PUBLIC_LOAD_BALANCERS = {"kubernetes.io/role/elb": "1"}
INTERNAL_LOAD_BALANCERS = {"kubernetes.io/role/internal-elb": "1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkArgs:
    """`zones` are the control plane's; `discovery` is the value of the tag by which Karpenter may find node subnets."""

    discovery: str
    region: pulumi.Input[str]
    zones: tuple[pulumi.Input[str], pulumi.Input[str]]
    training_zone: pulumi.Input[str]
    primary_cidr: str = PRIMARY
    secondary_cidr: str = SECONDARY
    nat: NatGateways = "one"
    """One NAT gateway, or one in each of `zones`."""
    interface_endpoints: Sequence[str] = ()
    """AWS services that nodes reach without a NAT gateway, by the end of their endpoint's name, such as ecr.api."""


class Network(pulumi.ComponentResource):
    """A VPC, its subnets, their way to the internet, and endpoints of AWS services.

    Subnets stay in the zone that they were made in: another answer of AWS never moves a living stack. Idle, it costs
    $0.05 an hour for each NAT gateway (see Routes), and as many times $0.01 for each interface endpoint.
    """

    vpc_id: pulumi.Output[str]
    primary_cidr: str
    secondary_cidr: str
    """Where all nodes and pods are."""
    public_subnet_ids: Sequence[pulumi.Output[str]]
    control_plane_subnet_ids: Sequence[pulumi.Output[str]]
    """Known as soon as the subnets are there: to be made, a control plane needs no way to the internet."""
    node_subnet_ids: Sequence[pulumi.Output[str]]
    """In the control plane's zones. Known once there is a way to the internet, so that nodes go before it does."""
    training_subnet_id: pulumi.Output[str]
    """The one subnet for training, known once it has its way to the internet."""
    storage_subnet_id: pulumi.Output[str]
    """The same, known as soon as it is there: a file system does not wait for a NAT gateway."""
    training_zone: pulumi.Output[str]
    """The zone that the subnet for training really is in."""

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("trainyard:components:Network", name, {}, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        vpc_id, with_secondary = self._vpc(args)
        plan = address_plan(args.primary_cidr, args.secondary_cidr)
        public = self._pair("public", vpc_id, plan.public, args.zones, PUBLIC_LOAD_BALANCERS)
        private = self._pair("private", vpc_id, plan.private, args.zones, INTERNAL_LOAD_BALANCERS)
        nodes = self._pair("nodes", with_secondary, plan.nodes, args.zones, {DISCOVERY: args.discovery})
        training = self._subnet(
            "training", with_secondary, plan.training, args.training_zone, {DISCOVERY: args.discovery}
        )
        routes = Routes(
            f"{name}-routes",
            RoutesArgs(vpc_id=vpc_id, public=public, private=[training, *nodes, *private], nat=args.nat),
            self._child,
        )
        self._endpoints(args, vpc_id, routes, private)

        self.vpc_id = vpc_id
        self.primary_cidr, self.secondary_cidr = args.primary_cidr, args.secondary_cidr
        self.public_subnet_ids = routes.public_subnet_ids
        self.control_plane_subnet_ids = [subnet.id for subnet in private]
        self.training_subnet_id, *self.node_subnet_ids = routes.private_subnet_ids[: 1 + len(nodes)]
        self.storage_subnet_id, self.training_zone = training.id, training.availability_zone
        self.register_outputs({"vpc_id": self.vpc_id, "training_zone": self.training_zone})

    def _vpc(self, args: NetworkArgs) -> tuple[pulumi.Output[str], pulumi.Output[str]]:
        """The VPC's id; and the same, known once its secondary block is there."""
        vpc = aws.ec2.Vpc(
            f"{self.pulumi_resource_name}-vpc",
            cidr_block=args.primary_cidr,
            enable_dns_support=True,
            enable_dns_hostnames=True,  # private names of interface endpoints ask for both
            tags={"Name": self.pulumi_resource_name},
            opts=self._child,
        )
        # the group that AWS makes is open among its members and to the world; taken over here, it has no rule at all
        aws.ec2.DefaultSecurityGroup(f"{self.pulumi_resource_name}-default", vpc_id=vpc.id, opts=self._child)
        secondary = aws.ec2.VpcIpv4CidrBlockAssociation(
            f"{self.pulumi_resource_name}-secondary", vpc_id=vpc.id, cidr_block=args.secondary_cidr, opts=self._child
        )
        return vpc.id, once(vpc.id, secondary.id)

    def _pair(
        self,
        kind: str,
        vpc_id: pulumi.Input[str],
        cidrs: Sequence[str],
        zones: Sequence[pulumi.Input[str]],
        tags: Mapping[str, str],
    ) -> list[aws.ec2.Subnet]:
        placed = enumerate(zip(cidrs, zones, strict=True), 1)
        return [self._subnet(f"{kind}-{number}", vpc_id, cidr, zone, tags) for number, (cidr, zone) in placed]

    def _subnet(
        self, kind: str, vpc_id: pulumi.Input[str], cidr: str, zone: pulumi.Input[str], tags: Mapping[str, str]
    ) -> aws.ec2.Subnet:
        return aws.ec2.Subnet(
            f"{self.pulumi_resource_name}-{kind}",
            vpc_id=vpc_id,
            cidr_block=cidr,
            availability_zone=zone,
            tags={"Name": f"{self.pulumi_resource_name}-{kind}", **tags},
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["availability_zone"]),
        )

    def _endpoints(
        self, args: NetworkArgs, vpc_id: pulumi.Input[str], routes: Routes, private: Sequence[aws.ec2.Subnet]
    ) -> None:
        tables = routes.private_table_ids
        Endpoints(
            f"{self.pulumi_resource_name}-endpoints",
            EndpointsArgs(
                vpc_id=vpc_id,
                region=args.region,
                route_table_ids=tables,
                subnet_ids=[subnet.id for subnet in private[: len(tables)]],
                client_cidrs=[args.primary_cidr, args.secondary_cidr],
                services=args.interface_endpoints,
            ),
            self._child,
        )
