"""Rules over AWS: nothing is open, readable or kept for ever that need not be."""

from collections.abc import Iterator, Sequence
from typing import Any

from .rule import Check, Props, Resource, Rule, StackRule, is_on, listed, must

WORLD = {"0.0.0.0/0", "::/0"}
CLUSTERS = ("aws:eks/cluster:Cluster", "eks:index:Cluster")
CLUSTER_LOGS = {"api", "audit", "authenticator", "controllerManager", "scheduler"}


def _ranges(props: Props) -> list[Any]:
    """The networks that a rule of a security group names, in whichever form."""
    return [*listed(props.get("cidrBlocks")), *listed(props.get("ipv6CidrBlocks")), *_single(props)]


def _single(props: Props) -> list[Any]:
    return [*listed(props.get("cidrIpv4")), *listed(props.get("cidrIpv6"))]


def _inbound(kind: str, props: Props) -> Iterator[str]:
    if kind.endswith(":SecurityGroupRule") and props.get("type") != "ingress":
        return
    rules = listed(props.get("ingress")) if kind.endswith(("SecurityGroup",)) else [props]
    for found in (one for rule in rules for one in _ranges(rule) if one in WORLD):
        yield f"lets anybody in, from {found}"


def _cluster(kind: str, props: Props) -> Iterator[str]:
    """pulumi_eks.Cluster and the aws.eks.Cluster that it makes say the same in other words."""
    inner = kind.startswith("aws:")
    network = (props.get("vpcConfig") or {}) if inner else props
    access = (props.get("accessConfig") or {}) if inner else props
    encrypted = props.get("encryptionConfig" if inner else "encryptionConfigKeyArn")
    if network.get("endpointPublicAccess", True):
        ranges = listed(network.get("publicAccessCidrs"))
        if not ranges or WORLD & set(ranges):
            yield "its API server can be reached from everywhere: name networks in publicAccessCidrs, or none"
    if not encrypted:
        yield "its secrets are not encrypted by a key of its own"
    if CLUSTER_LOGS - set(listed(props.get("enabledClusterLogTypes"))):
        yield f"not all of its logs are kept: {', '.join(sorted(CLUSTER_LOGS))}"
    if access.get("authenticationMode") != "API":
        yield "who may use it is not said by access entries alone (authenticationMode API)"


def _volumes(kind: str, props: Props) -> Iterator[str]:
    """Launch templates of EC2 and node classes of Karpenter name a node's volumes alike."""
    mappings = listed((props.get("spec") or props).get("blockDeviceMappings"))
    if not mappings:
        yield "says nothing of its root volume, which is then as the image has it"
    for one in mappings:
        if not is_on((one.get("ebs") or {}).get("encrypted")):
            yield f"its volume {one.get('deviceName', '')} is not encrypted"


def _metadata(kind: str, props: Props) -> Iterator[str]:
    options = (props.get("spec") or props).get("metadataOptions") or {}
    if options.get("httpTokens") != "required":
        yield "its metadata can be read without a session token (httpTokens: required)"
    if options.get("httpPutResponseHopLimit", 2) > 1:
        yield "pods can reach its metadata, and the node's role with it (httpPutResponseHopLimit: 1)"


NODES = ("aws:ec2/launchTemplate:LaunchTemplate", ":EC2NodeClass")


def _repository(_: str, props: Props) -> Iterator[str]:
    if not is_on((props.get("imageScanningConfiguration") or {}).get("scanOnPush")):
        yield "does not scan what is pushed"
    if not str(props.get("imageTagMutability")).startswith("IMMUTABLE"):
        yield "lets a tag come to mean another image"


def _queue(props: Props) -> bool:
    return is_on(props.get("sqsManagedSseEnabled")) or bool(props.get("kmsMasterKeyId"))


def _rule(name: str, says: str, types: tuple[str, ...], check: Check) -> Rule:
    return Rule(name=name, says=says, types=types, check=check)


RULES: tuple[Rule, ...] = (
    _rule(
        "no-open-ports",
        "No security group lets anybody in from 0.0.0.0/0 or ::/0.",
        (":SecurityGroup", ":SecurityGroupRule", ":SecurityGroupIngressRule", ":DefaultSecurityGroup"),
        _inbound,
    ),
    _rule("closed-cluster", "A cluster is closed, encrypted and logged.", CLUSTERS, _cluster),
    _rule("encrypted-nodes", "Nodes' volumes are encrypted.", NODES, _volumes),
    _rule("guarded-metadata", "Nodes' metadata takes a session token, and is out of pods' reach.", NODES, _metadata),
    _rule(
        "known-images", "Images are scanned, and a tag stays what it is.", ("ecr/repository:Repository",), _repository
    ),
    must(
        "rotating-keys",
        "A key is not renewed every year (enableKeyRotation).",
        ("kms/key:Key",),
        lambda props: props.get("enableKeyRotation"),
    ),
    must(
        "encrypted-volumes", "A volume is not encrypted.", ("ebs/volume:Volume",), lambda props: props.get("encrypted")
    ),
    must(
        "encrypted-storage-class",
        "Volumes of the class are not encrypted.",
        (":StorageClass",),
        lambda props: (
            "ebs" not in props.get("provisioner", "") or is_on((props.get("parameters") or {}).get("encrypted"))
        ),
    ),
    must(
        "encrypted-efs", "A file system is not encrypted.", ("efs/fileSystem:FileSystem",), lambda p: p.get("encrypted")
    ),
    must(
        "encrypted-lustre",
        "A file system for Lustre of this kind is not encrypted at rest by a key that stays (PERSISTENT_…).",
        ("fsx/lustreFileSystem:LustreFileSystem",),
        lambda props: str(props.get("deploymentType", "")).startswith("PERSISTENT"),
    ),
    must("encrypted-queues", "A queue is not encrypted.", ("sqs/queue:Queue",), _queue),
    must(
        "logs-end",
        "Logs are kept for ever (retentionInDays).",
        ("cloudwatch/logGroup:LogGroup",),
        lambda props: props.get("retentionInDays"),
    ),
)


def _blocks(props: Props) -> bool:
    names = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    return all(props.get(name) for name in names)


def _is_versioned(props: Props) -> bool:
    return (props.get("versioningConfiguration") or {}).get("status") == "Enabled"


COMPANIONS = {
    "BucketPublicAccessBlock": ("can be made public", _blocks),
    "BucketServerSideEncryptionConfiguration": ("is not encrypted", lambda props: bool(props.get("rules"))),
    "BucketVersioning": ("has no versions of what is overwritten", _is_versioned),
}
"""What stands beside a bucket and makes it safe."""


def _buckets(resources: Sequence[Resource]) -> Iterator[tuple[str, str]]:
    for bucket in (one for one in resources if one.type.endswith(("s3/bucket:Bucket", "s3/bucketV2:BucketV2"))):
        for kind, (wrong, holds) in COMPANIONS.items():
            beside = [one for one in resources if one.type.endswith(f":{kind}") and bucket.urn in one.made_from]
            if not any(holds(one.props) for one in beside):
                yield bucket.urn, f"{bucket.name} {wrong}: it needs a {kind}"


STACK_RULES = (StackRule(name="safe-buckets", says="Buckets are private, encrypted and versioned.", check=_buckets),)
