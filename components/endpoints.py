"""Ways to AWS services that do not leave the VPC."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

HTTPS = 443

OFTEN_USED = (
    "autoscaling",
    "ec2",
    "ecr.api",
    "ecr.dkr",
    "eks",
    "eks-auth",
    "elasticloadbalancing",
    "fsx",
    "logs",
    "sqs",
    "ssm",
    "sts",
)
"""What nodes, Karpenter, the drivers and Pod Identity talk to, for those who want it to stay in the VPC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointsArgs:
    """`services` get interface endpoints in `subnet_ids`, open to `client_cidrs`. S3 always gets its gateway."""

    vpc_id: pulumi.Input[str]
    region: pulumi.Input[str]
    route_table_ids: Sequence[pulumi.Input[str]]
    subnet_ids: Sequence[pulumi.Input[str]]
    client_cidrs: Sequence[str]
    services: Sequence[str]


class Endpoints(pulumi.ComponentResource):
    """S3's gateway endpoint, which is free, and interface endpoints, $0.01 an hour each in each of their subnets.

    Price of us-east-1 in guides of 2026 to AWS's price list, read 2026-11-21.
    """

    def __init__(self, name: str, args: EndpointsArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("trainyard:components:Endpoints", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        aws.ec2.VpcEndpoint(
            f"{name}-s3",
            vpc_id=args.vpc_id,
            service_name=_service(args.region, "s3"),
            vpc_endpoint_type="Gateway",
            route_table_ids=args.route_table_ids,
            opts=child,
        )
        if args.services:
            security_group_id = self._security_group(name, args)
            for service in args.services:
                aws.ec2.VpcEndpoint(
                    f"{name}-{service}",
                    vpc_id=args.vpc_id,
                    service_name=_service(args.region, service),
                    vpc_endpoint_type="Interface",
                    private_dns_enabled=True,
                    subnet_ids=args.subnet_ids,
                    security_group_ids=[security_group_id],
                    opts=child,
                )
        self.register_outputs({})

    def _security_group(self, name: str, args: EndpointsArgs) -> pulumi.Output[str]:
        group = aws.ec2.SecurityGroup(
            f"{name}-clients",
            vpc_id=args.vpc_id,
            description="Interface endpoints: HTTPS from within the VPC",
            opts=pulumi.ResourceOptions(parent=self),
        )
        for number, cidr in enumerate(args.client_cidrs, 1):
            aws.vpc.SecurityGroupIngressRule(
                f"{name}-clients-{number}",
                security_group_id=group.id,
                description="AWS API calls from nodes and pods",
                ip_protocol="tcp",
                from_port=HTTPS,
                to_port=HTTPS,
                cidr_ipv4=cidr,
                opts=pulumi.ResourceOptions(parent=group),
            )
        return group.id


def _service(region: pulumi.Input[str], service: str) -> pulumi.Output[str]:
    return pulumi.Output.concat("com.amazonaws.", region, ".", service)
