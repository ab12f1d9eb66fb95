"""How long things usually take to come to be, in minutes: what a critical path is walked with.

Most numbers come from the logs of others' `terraform apply`, whose AWS provider Pulumi's is made from, all read
2026-11-21. AWS promises none of them, and capacity that has to be waited for is in none of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from workloads.recipes.compiling import COLD_MINUTES


@dataclass(frozen=True, slots=True)
class Typical:
    minutes: float
    source: str


CONTROL_PLANE = Typical(9.5, "6m42s to 10m8s in eight logs of 2024 to 2026, five of them 9m12s to 10m8s")
NODE_GROUP = Typical(2.0, "1m28s to 2m51s in seven logs, one or two ordinary nodes each")
RELEASE = Typical(1.1, "karpenter 1m3s, keda 48s in one log; kube-prometheus-stack 2m17s, which nothing waits for")

TYPES: Mapping[str, Typical] = {
    "eks:index:Cluster": CONTROL_PLANE,
    "aws:eks/nodeGroup:NodeGroup": NODE_GROUP,
    "aws:eks/addon:Addon": Typical(0.5, "vpc-cni 24s to 35s, pod-identity-agent 24s, kube-proxy 25s in four logs"),
    "aws:fsx/lustreFileSystem:LustreFileSystem": Typical(
        10, "up to 10 in awslabs/ai-on-eks; 8.4 with its deletion in the AWS provider's tests (pull request 7074)"
    ),
    "aws:fsx/dataRepositoryAssociation:DataRepositoryAssociation": Typical(7, "up to 7 in awslabs/ai-on-eks"),
    "aws:ec2/natGateway:NatGateway": Typical(1.75, "1m25s to 2m5s in nine logs"),
    "aws:ec2/vpc:Vpc": Typical(0.35, "6s to 28s, most of it its DNS names, in four logs"),
    "aws:ec2/vpcEndpoint:VpcEndpoint": Typical(1, "an estimate; nothing waits for it"),
    "aws:kms/key:Key": Typical(0.35, "12s and 29s in two logs"),
    "aws:ec2/launchTemplate:LaunchTemplate": Typical(0.1, "6s in one log"),
    "aws:ec2/vpcIpv4CidrBlockAssociation:VpcIpv4CidrBlockAssociation": Typical(0.2, "an estimate"),
    "kubernetes:helm.sh/v3:Release": RELEASE,
    "kubernetes:helm.sh/v4:Chart": Typical(0.5, "an estimate; DaemonSets without a node are ready at once"),
    "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass": Typical(0.25, "an estimate: until Karpenter finds it ready"),
    "kubernetes:apps/v1:Deployment": Typical(1, "an estimate: a pull of a small image, and readiness"),
    "kubernetes:apps/v1:StatefulSet": Typical(1, "an estimate: a pull of a small image, and readiness"),
    "kubernetes:apps/v1:DaemonSet": Typical(0.5, "an estimate"),
}

WITHIN: Mapping[tuple[str, str], Typical] = {
    ("trainyard:components:Run", "kubernetes:batch/v1:Job"): Typical(
        0.5, "an estimate: until its pod runs, a pull of 50 MB; what it carries out comes after it here"
    ),
    ("trainyard:components:ImageBuild", "kubernetes:batch/v1:Job"): Typical(
        12, "a CPU node (2), and some 10 for an image of the same kind in seed guide 001"
    ),
}
"""By the type of the component that a resource belongs to, where its own type does not tell enough."""

KINDS: Mapping[str, Typical] = {
    "aws": Typical(0.05, "one API call: 0s to 3s for subnets, routes, roles, rules and log groups in the same logs"),
    "kubernetes": Typical(0.03, "one API call: an estimate"),
    "command": Typical(0, "what a destroy asks: an update runs nothing"),
    "trainyard": Typical(0, "a component: its parts take the time"),
    "pulumi": Typical(0, "nothing is made"),
}
"""The default of each package, for all that the tables above do not name."""

PROCESSOR_NODE = Typical(2, "80s to 120s until ready: Karpenter's issues 3102 and 6128; 2 to 4 in 2906")
TRAINIUM_NODE = Typical(4, "2 to 4 in Karpenter's issue 2906; data-on-eks allows its trn1 node group up to 6")
IMAGE_PULL = Typical(5, "15 to 20 GB take 4 to 6: AWS's machine learning blog on SOCI, June 2026")
LOAD = Typical(2, "an estimate: 16 GB of weights at the 150 MB/s of the smallest file system")
COMPILE_COLD = Typical(COLD_MINUTES, "seed guide 002: Llama 2 7B on one trn1.32xlarge with no cache")
COMPILE_WARM = Typical(4, "seed guide 002: a few minutes with a cache")


def typical(kind: str, parent: str = "") -> Typical:
    """How long a resource of type `kind` in a component of type `parent` takes; KeyError for an unknown package."""
    return WITHIN.get((parent, kind)) or TYPES.get(kind) or KINDS[kind.partition(":")[0]]
