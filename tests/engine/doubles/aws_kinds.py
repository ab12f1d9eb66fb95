"""What AWS makes of the types that the components use: ids and computed outputs, as text with blanks.

A blank is filled by an input, by the id, or by one of these: {account}, {region}, {zone}, and random {hex}, {uuid},
{word} and {number}.
"""

import random
import string
import uuid
from collections.abc import Callable, Mapping
from typing import Any

ACCOUNT = "123456789012"
REGION = "us-west-2"
USER = f"arn:aws:iam::{ACCOUNT}:user/trainyard"
"""Who the engine is to AWS."""


def short(token: str) -> str:
    """aws:ec2/subnet:Subnet as ec2.Subnet."""
    _, module, name = token.split(":")
    return f"{module.partition('/')[0]}.{name}"


class _Blanks(dict[str, Any]):
    """Each random word is another one; what an input leaves out is empty."""

    def __missing__(self, name: str) -> str:
        return _RANDOM[name]() if name in _RANDOM else ""


_RANDOM: Mapping[str, Callable[[], str]] = {
    "hex": lambda: uuid.uuid4().hex[:17],
    "uuid": lambda: str(uuid.uuid4()),
    "word": lambda: "".join(random.choices(string.ascii_lowercase, k=8)),
    "number": lambda: str(random.randrange(1, 250)),
}


def made_id(kind: str, inputs: Mapping[str, Any], name: str) -> str:
    """A new object's id; `name` is the resource's."""
    pattern, _ = KINDS.get(kind, ("", {}))
    return filled(pattern or f"{name}-{{hex}}", inputs, "")


def computed(kind: str, inputs: Mapping[str, Any], id_: str) -> dict[str, Any]:
    _, outputs = KINDS.get(kind, ("", {"arn": f"arn:aws:{kind.partition('.')[0]}:{{region}}:{{account}}:{{id}}"}))
    return {name: filled(one, inputs, id_) for name, one in outputs.items()}


def filled(pattern: Any, inputs: Mapping[str, Any], id_: str) -> Any:
    if isinstance(pattern, dict):
        return {name: filled(one, inputs, id_) for name, one in pattern.items()}
    if isinstance(pattern, list):
        return [filled(one, inputs, id_) for one in pattern]
    known = {"account": ACCOUNT, "region": REGION, "zone": f"{REGION}a", **inputs, "id": id_}
    return pattern.format_map(_Blanks(known)) if isinstance(pattern, str) else pattern


def _arn(service: str, path: str, region: str = "{region}", account: str = "{account}") -> str:
    return f"arn:aws:{service}:{region}:{account}:{path}"


def _ec2(prefix: str, path: str, **outputs: Any) -> tuple[str, dict[str, Any]]:
    return f"{prefix}-{{hex}}", {"arn": _arn("ec2", f"{path}/{{id}}"), "ownerId": "{account}", **outputs}


_OIDC = "https://oidc.eks.{region}.amazonaws.com/id/{hex}"
_MADE = "2026-11-21T08:00:00Z"
_OF_BUCKET = ("{bucket}", {})

KINDS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "autoscaling.Tag": ("{autoscalingGroupName},{tag[key]}", {}),
    "budgets.Budget": ("{account}:{name}", {"arn": _arn("budgets", "budget/{name}", region=""), "accountId": ACCOUNT}),
    "cloudwatch.EventRule": ("{name}", {"arn": _arn("events", "rule/{name}"), "eventBusName": "default"}),
    "cloudwatch.EventTarget": ("{rule}-{hex}", {"targetId": "terraform-{hex}", "eventBusName": "default"}),
    "cloudwatch.LogGroup": ("{name}", {"arn": _arn("logs", "log-group:{name}"), "logGroupClass": "STANDARD"}),
    "ec2.DefaultSecurityGroup": _ec2("sg", "security-group", name="default", description="default VPC security group"),
    "ec2.Eip": _ec2("eipalloc", "elastic-ip", allocationId="{id}", publicIp="203.0.113.{number}"),
    "ec2.InternetGateway": _ec2("igw", "internet-gateway"),
    "ec2.LaunchTemplate": ("lt-{hex}", {"arn": _arn("ec2", "launch-template/{id}"), "defaultVersion": 1}),
    "ec2.NatGateway": (
        "nat-{hex}",
        {"networkInterfaceId": "eni-{hex}", "publicIp": "203.0.113.{number}", "privateIp": "10.1.2.{number}"},
    ),
    "ec2.PlacementGroup": ("{name}", {"arn": _arn("ec2", "placement-group/{name}"), "placementGroupId": "pg-{hex}"}),
    "ec2.RouteTable": _ec2("rtb", "route-table"),
    "ec2.RouteTableAssociation": ("rtbassoc-{hex}", {}),
    "ec2.SecurityGroup": _ec2("sg", "security-group", description="Managed by Pulumi"),
    "ec2.Subnet": _ec2("subnet", "subnet", availabilityZone="{zone}"),
    "ec2.Vpc": _ec2(
        "vpc",
        "vpc",
        defaultSecurityGroupId="sg-{hex}",
        defaultNetworkAclId="acl-{hex}",
        defaultRouteTableId="rtb-{hex}",
        mainRouteTableId="rtb-{hex}",
        dhcpOptionsId="dopt-{hex}",
    ),
    "ec2.VpcEndpoint": _ec2("vpce", "vpc-endpoint", state="available", prefixListId="pl-{hex}"),
    "ec2.VpcIpv4CidrBlockAssociation": ("vpc-cidr-assoc-{hex}", {}),
    "ecr.LifecyclePolicy": ("{repository}", {"registryId": ACCOUNT}),
    "ecr.Repository": (
        "{name}",
        {
            "arn": _arn("ecr", "repository/{name}"),
            "registryId": ACCOUNT,
            "repositoryUrl": "{account}.dkr.ecr.{region}.amazonaws.com/{name}",
        },
    ),
    "eks.AccessEntry": (
        "{clusterName}:{principalArn}",
        {"accessEntryArn": _arn("eks", "access-entry/{clusterName}/{uuid}"), "createdAt": _MADE},
    ),
    "eks.AccessPolicyAssociation": ("{clusterName}#{principalArn}#{policyArn}", {"associatedAt": _MADE}),
    "eks.Addon": (
        "{clusterName}:{addonName}",
        {"arn": _arn("eks", "addon/{clusterName}/{addonName}/{uuid}"), "createdAt": _MADE},
    ),
    "eks.Cluster": (
        "{name}",
        {
            "arn": _arn("eks", "cluster/{name}"),
            "certificateAuthority": {"data": "Q0VSVElGSUNBVEU="},
            "createdAt": _MADE,
            "endpoint": "https://{hex}.gr7.{region}.eks.amazonaws.com",
            "identities": [{"oidcs": [{"issuer": _OIDC}]}],
            "platformVersion": "eks.1",
            "status": "ACTIVE",
            "vpcConfig": {"clusterSecurityGroupId": "sg-{hex}"},
        },
    ),
    "eks.NodeGroup": (
        "{clusterName}:{nodeGroupName}",
        {
            "arn": _arn("eks", "nodegroup/{clusterName}/{nodeGroupName}/{uuid}"),
            "resources": [{"autoscalingGroups": [{"name": "eks-{nodeGroupName}-{uuid}"}]}],
            "status": "ACTIVE",
        },
    ),
    "eks.PodIdentityAssociation": (
        "a-{hex}",
        {"associationId": "{id}", "associationArn": _arn("eks", "podidentityassociation/{clusterName}/{id}")},
    ),
    "fsx.DataRepositoryAssociation": (
        "dra-{hex}",
        {"arn": _arn("fsx", "association/{fileSystemId}/{id}"), "associationId": "{id}"},
    ),
    "fsx.LustreFileSystem": (
        "fs-{hex}",
        {
            "arn": _arn("fsx", "file-system/{id}"),
            "dnsName": "{id}.fsx.{region}.amazonaws.com",
            "mountName": "{word}",
            "networkInterfaceIds": ["eni-{hex}"],
            "ownerId": ACCOUNT,
        },
    ),
    "iam.InstanceProfile": ("{name}", {"arn": _arn("iam", "instance-profile/{name}", ""), "uniqueId": "AIPA{hex}"}),
    "iam.Role": ("{name}", {"arn": _arn("iam", "role/{name}", ""), "uniqueId": "AROA{hex}", "createDate": _MADE}),
    "iam.RolePolicy": ("{role}:{name}", {}),
    "iam.RolePolicyAttachment": ("{role}/{policyArn}", {}),
    "kms.Key": ("{uuid}", {"arn": _arn("kms", "key/{id}"), "keyId": "{id}"}),
    "s3.Bucket": (
        "{bucket}",
        {
            "arn": _arn("s3", "{bucket}", "", ""),
            "bucketDomainName": "{bucket}.s3.amazonaws.com",
            "bucketRegion": REGION,
            "bucketRegionalDomainName": "{bucket}.s3.{region}.amazonaws.com",
            "hostedZoneId": "Z3BJ6K6RIION7M",
        },
    ),
    "s3.BucketLifecycleConfiguration": _OF_BUCKET,
    "s3.BucketOwnershipControls": _OF_BUCKET,
    "s3.BucketPolicy": _OF_BUCKET,
    "s3.BucketPublicAccessBlock": _OF_BUCKET,
    "s3.BucketServerSideEncryptionConfiguration": _OF_BUCKET,
    "s3.BucketVersioning": _OF_BUCKET,
    "sqs.Queue": (
        "https://sqs.{region}.amazonaws.com/{account}/{name}",
        {"arn": _arn("sqs", "{name}"), "url": "{id}"},
    ),
    "sqs.QueuePolicy": ("{queueUrl}", {}),
    "vpc.SecurityGroupEgressRule": _ec2("sgr", "security-group-rule", securityGroupRuleId="{id}"),
    "vpc.SecurityGroupIngressRule": _ec2("sgr", "security-group-rule", securityGroupRuleId="{id}"),
}
