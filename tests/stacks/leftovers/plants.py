"""One of each kind that a stack can leave behind, planted in moto's account as a destroy that broke off would leave it.

moto plays all of the services here, FSx among them; of what it shows of each the tests use what AWS shows as well.
"""

import json
from collections.abc import Callable
from typing import Any

from stacks.aws.account import Account

CLUSTER = "trainyard-dev-0a1b2c3d"
STACK = {"trainyard:stack": "dev", "trainyard:project": "trainyard"}
GROWN = {f"kubernetes.io/cluster/{CLUSTER}": "owned"}
"""What Kubernetes, EKS and Karpenter tag what they make."""
BALANCED = {"elbv2.k8s.aws/cluster": CLUSTER}

Tags = dict[str, str]
Plant = Callable[[Account, Tags], str]
"""Plants one that is tagged so; gives its id."""


def listed(tags: Tags) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def of(kind: str, tags: Tags) -> dict[str, Any]:
    """The argument of EC2's that tags what is made."""
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": listed(tags)}]} if tags else {}


def subnet(account: Account, tags: Tags) -> str:
    vpc = account.client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    made = account.client("ec2").create_subnet(VpcId=vpc, CidrBlock="172.31.240.0/24", **of("subnet", tags))
    return made["Subnet"]["SubnetId"]


def some_subnets(account: Account) -> list[str]:
    return [one["SubnetId"] for one in account.client("ec2").describe_subnets()["Subnets"][:2]]


def some_vpc(account: Account) -> str:
    return account.client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]


def instance(account: Account, tags: Tags) -> str:
    ec2 = account.client("ec2")
    image = ec2.describe_images()["Images"][0]["ImageId"]
    made = ec2.run_instances(
        ImageId=image, InstanceType="trn1.32xlarge", MinCount=1, MaxCount=1, **of("instance", tags)
    )
    return made["Instances"][0]["InstanceId"]


def volume(account: Account, tags: Tags) -> str:
    made = account.client("ec2").create_volume(
        AvailabilityZone="us-west-2a", Size=730, VolumeType="gp3", **of("volume", tags)
    )
    return made["VolumeId"]


def interface(account: Account, tags: Tags) -> str:
    made = account.client("ec2").create_network_interface(
        SubnetId=some_subnets(account)[0], **of("network-interface", tags)
    )
    return made["NetworkInterface"]["NetworkInterfaceId"]


def address(account: Account, tags: Tags) -> str:
    return account.client("ec2").allocate_address(Domain="vpc", **of("elastic-ip", tags))["AllocationId"]


def nat(account: Account, tags: Tags) -> str:
    made = account.client("ec2").create_nat_gateway(
        SubnetId=some_subnets(account)[0], ConnectivityType="private", **of("natgateway", tags)
    )
    return made["NatGateway"]["NatGatewayId"]


def endpoint(account: Account, tags: Tags) -> str:
    made = account.client("ec2").create_vpc_endpoint(
        VpcId=some_vpc(account),
        ServiceName="com.amazonaws.us-west-2.ecr.api",
        VpcEndpointType="Interface",
        SubnetIds=some_subnets(account),
        **of("vpc-endpoint", tags),
    )
    return made["VpcEndpoint"]["VpcEndpointId"]


def template(account: Account, tags: Tags) -> str:
    made = account.client("ec2").create_launch_template(
        LaunchTemplateName="one", LaunchTemplateData={}, **of("launch-template", tags)
    )
    return made["LaunchTemplate"]["LaunchTemplateId"]


def security_group(account: Account, tags: Tags) -> str:
    made = account.client("ec2").create_security_group(
        GroupName="one", Description="one", VpcId=some_vpc(account), **of("security-group", tags)
    )
    return made["GroupId"]


def table(account: Account, tags: Tags) -> str:
    made = account.client("ec2").create_route_table(VpcId=some_vpc(account), **of("route-table", tags))
    account.client("ec2").associate_route_table(
        RouteTableId=made["RouteTable"]["RouteTableId"], SubnetId=some_subnets(account)[0]
    )
    return made["RouteTable"]["RouteTableId"]


def gateway(account: Account, tags: Tags) -> str:
    ec2 = account.client("ec2")
    made = ec2.create_internet_gateway(**of("internet-gateway", tags))["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=made, VpcId=some_vpc(account))
    return made


def vpc(account: Account, tags: Tags) -> str:
    return account.client("ec2").create_vpc(CidrBlock="10.1.0.0/21", **of("vpc", tags))["Vpc"]["VpcId"]


def balancer(account: Account, tags: Tags) -> str:
    account.client("elbv2").create_load_balancer(
        Name="k8s-one", Subnets=some_subnets(account), Type="network", **({"Tags": listed(tags)} if tags else {})
    )
    return "k8s-one"


def classic(account: Account, tags: Tags) -> str:
    account.client("elb").create_load_balancer(
        LoadBalancerName="one",
        Listeners=[{"Protocol": "tcp", "LoadBalancerPort": 80, "InstancePort": 80}],
        Subnets=some_subnets(account),
        **({"Tags": listed(tags)} if tags else {}),
    )
    return "one"


def target_group(account: Account, tags: Tags) -> str:
    account.client("elbv2").create_target_group(
        Name="k8s-one", Protocol="TCP", Port=80, VpcId=some_vpc(account), **({"Tags": listed(tags)} if tags else {})
    )
    return "k8s-one"


def scaling_group(account: Account, tags: Tags) -> str:
    ec2 = account.client("ec2")
    data = {"ImageId": ec2.describe_images()["Images"][0]["ImageId"], "InstanceType": "m7i.xlarge"}
    ec2.create_launch_template(LaunchTemplateName="of-group", LaunchTemplateData=data)
    account.client("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName="eks-one",
        MinSize=0,
        MaxSize=0,
        LaunchTemplate={"LaunchTemplateName": "of-group"},
        AvailabilityZones=["us-west-2a"],
        Tags=[{**one, "PropagateAtLaunch": False} for one in listed(tags)],
    )
    return "eks-one"


def cluster(account: Account, tags: Tags) -> str:
    name = CLUSTER if tags else "somebodys"
    account.client("eks").create_cluster(
        name=name,
        roleArn="arn:aws:iam::123456789012:role/one",
        resourcesVpcConfig={"subnetIds": some_subnets(account)},
        tags=tags,
    )
    return name


def file_system(account: Account, tags: Tags) -> str:
    made = account.client("fsx").create_file_system(
        FileSystemType="LUSTRE",
        StorageCapacity=1200,
        SubnetIds=some_subnets(account)[:1],
        LustreConfiguration={"DeploymentType": "PERSISTENT_2", "PerUnitStorageThroughput": 125},
        Tags=listed(tags or {"a": "b"}),
    )
    return made["FileSystem"]["FileSystemId"]


def repository(account: Account, tags: Tags) -> str:
    account.client("ecr").create_repository(repositoryName="one", tags=listed(tags))
    return "one"


def log_group(account: Account, tags: Tags) -> str:
    account.client("logs").create_log_group(logGroupName="logs-group-1a2b3c4", **({"tags": tags} if tags else {}))
    return "logs-group-1a2b3c4"


def rule(account: Account, tags: Tags) -> str:
    events = account.client("events")
    events.put_rule(Name="one", EventPattern='{"source": ["aws.ec2"]}', Tags=listed(tags))
    events.put_targets(Rule="one", Targets=[{"Id": "t-1", "Arn": "arn:aws:sqs:us-west-2:123456789012:one"}])
    return "one"


def queue(account: Account, tags: Tags) -> str:
    account.client("sqs").create_queue(QueueName="one", tags=tags)
    return "one"


def profile(account: Account, tags: Tags) -> str:
    iam = account.client("iam")
    iam.create_instance_profile(InstanceProfileName="one", Tags=listed(tags))
    iam.create_role(RoleName="held", AssumeRolePolicyDocument="{}")
    iam.add_role_to_instance_profile(InstanceProfileName="one", RoleName="held")
    return "one"


def role(account: Account, tags: Tags) -> str:
    iam = account.client("iam")
    iam.create_role(RoleName="one", AssumeRolePolicyDocument="{}", Tags=listed(tags))
    allowed = {"Effect": "Allow", "Action": "ec2:DescribeVpcs", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_role_policy(RoleName="one", PolicyName="written", PolicyDocument=document)
    return "one"


def key(account: Account, tags: Tags) -> str:
    made = account.client("kms").create_key(Tags=[{"TagKey": name, "TagValue": value} for name, value in tags.items()])
    return made["KeyMetadata"]["KeyId"]


def alias(account: Account, tags: Tags) -> str:
    name = "alias/one"
    account.client("kms").create_alias(AliasName=name, TargetKeyId=key(account, tags))
    return name


def bucket(account: Account, tags: Tags) -> str:
    s3 = account.client("s3")
    s3.create_bucket(Bucket="results-bucket-1", CreateBucketConfiguration={"LocationConstraint": account.region})
    if tags:
        s3.put_bucket_tagging(Bucket="results-bucket-1", Tagging={"TagSet": listed(tags)})
    return "results-bucket-1"


def topic(account: Account, tags: Tags) -> str:
    return account.client("sns").create_topic(Name="one", Tags=listed(tags or {"a": "b"}))["TopicArn"]


PLANTS: dict[str, tuple[Plant, Tags, float | None]] = {
    "load balancer": (balancer, BALANCED, 0.0225 * 24),
    "classic load balancer": (classic, GROWN, None),
    "target group": (target_group, BALANCED, 0),
    "scaling group": (scaling_group, GROWN, 0),
    "instance": (instance, GROWN, 21.50 * 24),
    "cluster": (cluster, STACK, 0.10 * 24),
    "file system": (file_system, STACK, 1200 * 0.145 / 730 * 24),
    "NAT gateway": (nat, STACK, 0.045 * 24),
    "endpoint": (endpoint, STACK, 2 * 0.01 * 24),
    "volume": (volume, GROWN, 0.08 * 24),
    "network interface": (interface, {"cluster.k8s.amazonaws.com/name": CLUSTER}, 0),
    "address": (address, STACK, 0.005 * 24),
    "launch template": (template, {"karpenter.k8s.aws/cluster": CLUSTER}, 0),
    "security group": (security_group, GROWN, 0),
    "route table": (table, STACK, 0),
    "subnet": (subnet, STACK, 0),
    "internet gateway": (gateway, STACK, 0),
    "VPC": (vpc, STACK, 0),
    "image repository": (repository, STACK, 0),
    "log group": (log_group, STACK, 0),
    "event rule": (rule, STACK, 0),
    "queue": (queue, STACK, 0),
    "instance profile": (profile, GROWN, 0),
    "role": (role, STACK, 0),
    "key alias": (alias, STACK, 0),
    "key": (key, STACK, 1 / 730 * 24),
    "bucket": (bucket, STACK, None),
    "whatever else has its tags": (topic, STACK, None),
}
"""By kind: how to plant one, the tags by which it is known, and its dollars a day."""
