"""Which of an account's resources are a stack's: by the tags that Trainyard gives, and by those of Kubernetes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

STACK, PROJECT = "trainyard:stack", "trainyard:project"

OF_CLUSTER = (
    "aws:eks:cluster-name",
    "cluster.k8s.amazonaws.com/name",
    "eks:cluster-name",
    "eks:eks-cluster-name",
    "elbv2.k8s.aws/cluster",
    "karpenter.k8s.aws/cluster",
    "KubernetesCluster",
)
"""Tags whose value is the name of the cluster that a controller made something for: EKS and its network add-on, the
load balancer controller, Karpenter, the volume drivers."""
PREFIX_OF_CLUSTER = "kubernetes.io/cluster/"
"""How the tag begins that ends in a cluster's name, of Kubernetes itself and of Karpenter."""
DISCOVERY = "karpenter.sh/discovery"


@dataclass(frozen=True, slots=True)
class Owner:
    """A stack, as its resources know it."""

    stack: str
    project: str = "trainyard"

    @property
    def label(self) -> str:
        """How the name of its cluster begins."""
        return f"{self.project}-{self.stack}"

    def is_cluster(self, name: str) -> bool:
        """Whether a cluster is this stack's by name: its label, and eight digits of its key's id."""
        return re.fullmatch(rf"{re.escape(self.label)}-[0-9a-f]{{8}}", name) is not None

    def has(self, tags: Mapping[str, str]) -> bool:
        """Whether what is tagged so is this stack's, or was made for it by something in its cluster."""
        return self.made(tags) or self._has_grown(tags)

    def made(self, tags: Mapping[str, str]) -> bool:
        """Whether the stack's own program tagged it."""
        return tags.get(STACK) == self.stack and tags.get(PROJECT, self.project) == self.project

    def _has_grown(self, tags: Mapping[str, str]) -> bool:
        named = [tags[key] for key in OF_CLUSTER if key in tags]
        named += [key.removeprefix(PREFIX_OF_CLUSTER) for key in tags if key.startswith(PREFIX_OF_CLUSTER)]
        return any(map(self.is_cluster, named)) or tags.get(DISCOVERY) == self.label
