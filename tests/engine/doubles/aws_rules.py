"""What AWS and pulumi-aws decide by a type's properties: names, what replaces an object, what refers to another one."""

import hashlib
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from . import aws_types
from .aws_kinds import ACCOUNT
from .differences import Path
from .provider import ProviderError

Inputs = Mapping[str, Any]

DEFAULTS = "__defaults"
"""Where pulumi-aws notes, in a resource's inputs, which of them it made up."""

_NAMES = {"eks.NodeGroup": "nodeGroupName", "s3.Bucket": "bucket"}
_UNNAMED = ("autoscaling.Tag", "ec2.DefaultSecurityGroup")
_LONGEST = {
    "cloudwatch.EventRule": 64,
    "eks.Cluster": 100,
    "eks.NodeGroup": 63,
    "iam.InstanceProfile": 128,
    "iam.Role": 64,
    "iam.RolePolicy": 128,
    "ec2.LaunchTemplate": 125,
    "s3.Bucket": 63,
    "sqs.Queue": 80,
}
_LOWER = ("ecr.Repository", "s3.Bucket")
_DIGITS = 7


def name_property(kind: str, token: str) -> str | None:
    """The property that gets a made-up name where the program gives none."""
    name = _NAMES.get(kind, "name")
    return name if name in aws_types.arguments(token) and kind not in _UNNAMED else None


def named(kind: str, token: str, new: Inputs, old: Inputs, *, name: str, seed: bytes) -> dict[str, Any]:
    """`new` with a name: its own, the one made up for `old`, or one from the resource's `name` and random digits."""
    key = name_property(kind, token)
    if key is None or new.get(key) is not None:
        return dict(new)
    if key in old.get(DEFAULTS, ()):
        return {**new, key: old[key], DEFAULTS: [key]}
    prefix = next((new[one] for one in (f"{key}Prefix", "namePrefix") if new.get(one)), f"{name}-")
    made = prefix + (hashlib.sha256(seed).hexdigest() if seed else uuid.uuid4().hex)[:_DIGITS]
    if len(made) > _LONGEST.get(kind, 255):
        raise ProviderError(f"name '{name}' plus {_DIGITS} random chars is longer than maximum length {_LONGEST[kind]}")
    return {**new, key: made.lower() if kind in _LOWER else made, DEFAULTS: [key]}


_REPLACED_BY: Mapping[str, tuple[str, ...]] = {
    "autoscaling.Tag": ("autoscalingGroupName", "tag.key"),
    "cloudwatch.EventRule": ("eventBusName",),
    "cloudwatch.EventTarget": ("rule", "targetId", "eventBusName"),
    "cloudwatch.LogGroup": ("logGroupClass",),
    "ec2.DefaultSecurityGroup": ("vpcId",),
    "ec2.Eip": ("domain", "networkBorderGroup", "publicIpv4Pool"),
    "ec2.NatGateway": ("allocationId", "connectivityType", "privateIp", "subnetId"),
    "ec2.PlacementGroup": ("partitionCount", "spreadLevel", "strategy"),
    "ec2.RouteTable": ("vpcId",),
    "ec2.RouteTableAssociation": ("gatewayId", "subnetId"),
    "ec2.SecurityGroup": ("description", "vpcId"),
    "ec2.Subnet": ("availabilityZone", "availabilityZoneId", "cidrBlock", "vpcId"),
    "ec2.Vpc": ("cidrBlock",),
    "ec2.VpcEndpoint": ("serviceName", "vpcEndpointType", "vpcId"),
    "ec2.VpcIpv4CidrBlockAssociation": ("cidrBlock", "vpcId"),
    "ecr.LifecyclePolicy": ("repository",),
    "ecr.Repository": ("encryptionConfigurations",),
    "eks.AccessEntry": ("clusterName", "principalArn", "type"),
    "eks.AccessPolicyAssociation": ("accessScope", "clusterName", "policyArn", "principalArn"),
    "eks.Addon": ("addonName", "clusterName"),
    "eks.Cluster": (
        "accessConfig.bootstrapClusterCreatorAdminPermissions",
        "bootstrapSelfManagedAddons",
        "encryptionConfig",
        "kubernetesNetworkConfig",
        "roleArn",
    ),
    "eks.NodeGroup": (
        "amiType",
        "capacityType",
        "clusterName",
        "diskSize",
        "instanceTypes",
        "launchTemplate.id",
        "launchTemplate.name",
        "nodeRoleArn",
        "remoteAccess",
        "subnetIds",
    ),
    "eks.PodIdentityAssociation": ("clusterName", "namespace", "serviceAccount"),
    "fsx.DataRepositoryAssociation": ("dataRepositoryPath", "fileSystemId", "fileSystemPath"),
    "fsx.LustreFileSystem": (
        "deploymentType",
        "efaEnabled",
        "kmsKeyId",
        "securityGroupIds",
        "storageType",
        "subnetIds",
    ),
    "iam.InstanceProfile": ("path",),
    "iam.Role": ("path",),
    "iam.RolePolicy": ("role",),
    "iam.RolePolicyAttachment": ("policyArn", "role"),
    "kms.Key": ("customerMasterKeySpec", "keyUsage", "multiRegion"),
    "s3.Bucket": ("objectLockEnabled",),
    "sqs.Queue": ("fifoQueue",),
    "sqs.QueuePolicy": ("queueUrl",),
    "vpc.SecurityGroupEgressRule": ("securityGroupId",),
    "vpc.SecurityGroupIngressRule": ("securityGroupId",),
}


def replaces(kind: str, token: str, old: Inputs, path: Path, value: Any) -> bool:
    if path[0] in (name_property(kind, token), "namePrefix", "bucketPrefix", "nodeGroupNamePrefix"):
        return True
    if kind.startswith("s3.Bucket") and path[0] == "bucket":
        return True
    if kind == "fsx.LustreFileSystem" and path[0] == "storageCapacity":
        return isinstance(value, int) and value < old["storageCapacity"]  # it grows in place
    fields = tuple(str(one) for one in path if not isinstance(one, int))
    rules = [tuple(rule.split(".")) for rule in _REPLACED_BY.get(kind, ())]
    return any(fields[: len(rule)] == rule or rule[: len(fields)] == fields for rule in rules)


def deletes_first(kind: str, token: str, new: Inputs) -> bool:
    """An object with a name of the program's own has to go before its successor comes."""
    key = name_property(kind, token)
    return key is not None and key not in new.get(DEFAULTS, ())


UNIQUE: Mapping[str, tuple[str, ...]] = {
    "budgets.Budget": ("name",),
    "cloudwatch.LogGroup": ("name",),
    "ec2.LaunchTemplate": ("name",),
    "ec2.PlacementGroup": ("name",),
    "ec2.RouteTableAssociation": ("subnetId",),
    "ec2.SecurityGroup": ("vpcId", "name"),
    "ecr.Repository": ("name",),
    "eks.AccessEntry": ("clusterName", "principalArn"),
    "eks.Addon": ("clusterName", "addonName"),
    "eks.Cluster": ("name",),
    "eks.NodeGroup": ("clusterName", "nodeGroupName"),
    "eks.PodIdentityAssociation": ("clusterName", "namespace", "serviceAccount"),
    "iam.InstanceProfile": ("name",),
    "iam.Role": ("name",),
    "s3.Bucket": ("bucket",),
    "sqs.Queue": ("name",),
}


@dataclass(frozen=True, slots=True)
class Reference:
    """An input that names another object, by that one's id or the output `by`. A holding one keeps it from going."""

    kind: str
    value: str
    path: Path
    by: str = "id"
    holds: bool = True


_REFERRING: Mapping[str, tuple[str, str]] = {
    "allocationId": ("ec2.Eip", "id"),
    "autoscalingGroupName": ("autoscaling.Group", "id"),
    "clusterName": ("eks.Cluster", "id"),
    "fileSystemId": ("fsx.LustreFileSystem", "id"),
    "gatewayId": ("ec2.InternetGateway", "id"),
    "keyArn": ("kms.Key", "arn"),
    "kmsKeyId": ("kms.Key", "arn"),
    "natGatewayId": ("ec2.NatGateway", "id"),
    "nodeRoleArn": ("iam.Role", "arn"),
    "queueUrl": ("sqs.Queue", "id"),
    "referencedSecurityGroupId": ("ec2.SecurityGroup", "id"),
    "repository": ("ecr.Repository", "id"),
    "role": ("iam.Role", "id"),
    "roleArn": ("iam.Role", "arn"),
    "routeTableId": ("ec2.RouteTable", "id"),
    "routeTableIds": ("ec2.RouteTable", "id"),
    "rule": ("cloudwatch.EventRule", "id"),
    "securityGroupId": ("ec2.SecurityGroup", "id"),
    "securityGroupIds": ("ec2.SecurityGroup", "id"),
    "securityGroups": ("ec2.SecurityGroup", "id"),
    "subnetId": ("ec2.Subnet", "id"),
    "subnetIds": ("ec2.Subnet", "id"),
    "vpcId": ("ec2.Vpc", "id"),
    "vpcSecurityGroupIds": ("ec2.SecurityGroup", "id"),
}

_HOLDING_NOTHING = {
    # these go with what they name, or are no more than a line in it
    "autoscaling.Tag",
    "ec2.DefaultSecurityGroup",
    "ec2.LaunchTemplate",
    "ec2.VpcIpv4CidrBlockAssociation",
    "ecr.LifecyclePolicy",
    "eks.AccessEntry",
    "eks.AccessPolicyAssociation",
    "sqs.QueuePolicy",
}
_HELD_BY_NOTHING = {"kms.Key", "ec2.NatGateway"}
"""A key goes in days; a route to a gateway that is gone leads nowhere."""

_LOOSE = {
    ("ec2.RouteTable", "gatewayId"),
    ("ec2.RouteTableAssociation", "subnetId"),
    ("eks.Addon", "clusterName"),
    ("eks.PodIdentityAssociation", "clusterName"),
    ("vpc.SecurityGroupEgressRule", "securityGroupId"),
    ("vpc.SecurityGroupIngressRule", "securityGroupId"),
}


def goes_along(kind: str, reference: Reference) -> bool:
    """Whether an object of this kind is gone as soon as the one that it refers to is."""
    last = reference.path[-1]
    if kind == "ec2.LaunchTemplate" or last == "principalArn" or len(reference.path) > 1:
        return False
    return kind in _HOLDING_NOTHING or (kind, last) in _LOOSE or _is_of_bucket(kind)


def _is_of_bucket(kind: str) -> bool:
    return kind.startswith("s3.Bucket") and kind != "s3.Bucket"


def references(kind: str, inputs: Inputs) -> Iterator[Reference]:
    for path, value in _leaves(inputs, ()):
        keys = [one for one in path if isinstance(one, str)]
        target = _target(kind, keys)
        if target and isinstance(value, str):
            loose = kind in _HOLDING_NOTHING or target[0] in _HELD_BY_NOTHING or (kind, keys[-1]) in _LOOSE
            loose = loose or _is_of_bucket(kind) or keys[-1] == "principalArn"
            yield Reference(target[0], value, path, target[1], not loose)


def _target(kind: str, keys: list[str]) -> tuple[str, str] | None:
    last = keys[-1]
    if keys[-2:] == ["launchTemplate", "id"]:
        return "ec2.LaunchTemplate", "id"
    if kind == "fsx.LustreFileSystem" and last == "destination":
        return "cloudwatch.LogGroup", "arn"
    if _is_of_bucket(kind) and keys == ["bucket"]:
        return "s3.Bucket", "id"
    if last == "principalArn":
        return "iam.Role", "arn"
    return None if keys[0] == "tags" else _REFERRING.get(last)


def is_elsewhere(reference: Reference) -> bool:
    """Whether it names a principal or role that no stack has to make, being no role of this account."""
    return reference.path[-1] == "principalArn" and f":iam::{ACCOUNT}:role/" not in reference.value


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from _leaves(one, (*path, key))
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from _leaves(one, (*path, number))
    else:
        yield path, value
