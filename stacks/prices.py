"""What AWS asks for what a platform stands on, in US dollars in us-east-1: machines are in workloads/hardware.py.

Each price stands with where it was read, 2026-11-21 unless it says otherwise. What none was found for is not in here,
and is told as such.
"""

from dataclasses import dataclass

from workloads.hardware import PROCESSORS, TRAINIUM

HOURS_A_MONTH = 730


@dataclass(frozen=True, slots=True)
class Price:
    dollars: float
    source: str


CLUSTER_HOUR = Price(0.10, "EKS in standard support: guides of 2026 to AWS's prices, as for components/cluster.py")
NAT_HOUR = Price(0.045, "cloudburn.io/blog/aws-nat-gateway-pricing, 2026-02-24; three other guides of 2026 agree")
ADDRESS_HOUR = Price(0.005, "a public IPv4 address: cloudburn.io/blog/aws-nat-gateway-pricing, 2026-02-24")
ENDPOINT_HOUR = Price(0.01, "an interface endpoint, in each of its zones: zeonedge.com on NAT gateways, 2026-04-10")
BALANCER_HOUR = Price(0.0225, "network load balancer: clustercost.com/blog/network-load-balancer-pricing-2025")
KEY_MONTH = Price(1.00, "a KMS key: guides of 2026 to AWS's prices, as for components/cluster.py")
IMAGE_GB_MONTH = Price(0.10, "images in ECR: as for components/registry.py")
VOLUME_GB_MONTH = Price(0.08, "EBS gp3: as for components/core_nodes.py")

LUSTRE_GB_MONTH = {
    125: Price(
        0.145, "PERSISTENT_2 on SSD: c3x.dev/resources/aws/aws_fsx_lustre_file_system; AWS's page gives no table"
    ),
}
"""By MB/s for each TiB. For 250, 500 and 1000 no source for us-east-1 was found."""

CORE_MACHINES = {
    "m7i.xlarge": Price(0.2016, "Karpenter 1.14.1's price list of 2026-07-20, half of an m7i.2xlarge"),
}

BY_USE = {
    "aws:cloudwatch/logGroup:LogGroup": "logs, $0.50 for each GB written (AWS's price list for CloudWatch Logs)",
    "aws:ec2/natGateway:NatGateway": "traffic, $0.045 for each GB through a NAT gateway (cloudburn.io, 2026-02-24)",
    "aws:ecr/repository:Repository": "images, $0.10 for each GB and month (AWS's price list for ECR)",
    "aws:s3/bucket:Bucket": "results, $0.021 to $0.026 for each GB and month by region (guides to S3's prices)",
    "aws:sqs/queue:Queue": "messages to Karpenter, a few a day and free up to a million a month",
}
"""What is paid for by use, on top of what any hour costs."""

FREE = (
    *("aws:autoscaling/tag:", "aws:budgets/budget:", "aws:cloudwatch/event", "aws:ec2/defaultSecurityGroup:"),
    *("aws:ec2/internetGateway:", "aws:ec2/launchTemplate:", "aws:ec2/placementGroup:", "aws:ec2/route"),
    *("aws:ec2/securityGroup:", "aws:ec2/subnet:", "aws:ec2/vpc:", "aws:ec2/vpcIpv4CidrBlockAssociation:"),
    *("aws:ecr/lifecyclePolicy:", "aws:eks/accessEntry:", "aws:eks/addon:", "aws:eks/podIdentityAssociation:"),
    *("aws:fsx/dataRepositoryAssociation:", "aws:iam/", "aws:s3/bucket", "aws:sqs/queuePolicy:", "aws:vpc/"),
)
"""How the types of resources begin that cost nothing by themselves: names, rules, routes, roles and policies."""


def machine_hour(name: str) -> float | None:
    """Dollars an hour of the instance type `name`, on demand; None where none is listed."""
    if name in CORE_MACHINES:
        return CORE_MACHINES[name].dollars
    return {one.name: one.dollars_per_hour for one in (*PROCESSORS, *TRAINIUM)}.get(name)


def volume_hour(gib: float) -> float:
    return gib * VOLUME_GB_MONTH.dollars / HOURS_A_MONTH
