"""The Kubernetes cluster-autoscaler, which takes managed node groups from nothing to their maximum and back."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from .charts import Installation, released
from .mirror import mirrored
from .outputs import once
from .pod_identity import PodIdentity, PodIdentityArgs
from .trainium import CORE, NODES_LABEL
from .versions import AUTOSCALER_CHART

NAMESPACE = "kube-system"
NAME = "cluster-autoscaler"
IMAGE = "registry.k8s.io/autoscaling/cluster-autoscaler"


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoscalerArgs:
    """`idle` is how long a node has to be empty before it goes, such as 5m."""

    cluster_name: pulumi.Input[str]
    region: pulumi.Input[str]
    account_id: pulumi.Input[str]
    runs_on: Sequence[pulumi.Input[str]]
    """What is known once its pod can run: the core node group, the Pod Identity agent. It is gone before they are."""
    idle: str = "5m"
    monitored: bool = False
    """Whether to tell Prometheus of it; takes the ServiceMonitor kind."""
    mirror: str | None = None
    partition: str = "aws"


class Autoscaler(pulumi.ComponentResource):
    """One pod on the core nodes (a tenth of a vCPU), which may scale this cluster's own node groups and no others.

    A real Helm release: should it go while nodes remain, they remain until their node group goes, and are paid for.
    """

    release: pulumi.Output[str]
    """Known once it runs. What is made from it goes while it still takes empty nodes away."""

    def __init__(self, name: str, args: AutoscalerArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("trainyard:components:Autoscaler", name, {}, opts)
        facts = pulumi.Output.all(
            partition=args.partition, region=args.region, account=args.account_id, cluster=args.cluster_name
        )
        rights = facts.apply(lambda known: json.dumps(policy(**known), sort_keys=True))
        identity = PodIdentity(
            f"{name}-identity",
            PodIdentityArgs(
                cluster_name=args.cluster_name,
                namespace=NAMESPACE,
                service_account=NAME,
                policies={"scaling": rights},
            ),
            pulumi.ResourceOptions(parent=self),
        )
        cluster = once(args.cluster_name, identity.association, *args.runs_on)
        release = released(
            f"{name}-release",
            Installation(chart=AUTOSCALER_CHART, mirror=args.mirror, namespace=NAMESPACE, values=values(args, cluster)),
            self,
        )
        self.release = release.id
        self.register_outputs({"release": self.release})


def values(args: AutoscalerArgs, cluster: pulumi.Input[str]) -> dict[str, Any]:
    """The chart's values."""
    image = {"image": {"repository": mirrored(IMAGE, args.mirror)}} if args.mirror else {}
    return {
        "fullnameOverride": NAME,
        "awsRegion": args.region,
        "autoDiscovery": {"clusterName": cluster},
        "rbac": {"serviceAccount": {"name": NAME}},
        "nodeSelector": {NODES_LABEL: CORE},
        # it asks for names of AWS only: by the node's own resolver it starts before CoreDNS, and outlives it
        "dnsPolicy": "Default",
        "extraArgs": scaling(args.idle),
        "resources": {"requests": {"cpu": "100m", "memory": "300Mi"}, "limits": {"memory": "600Mi"}},
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65534, "seccompProfile": {"type": "RuntimeDefault"}},
        "containerSecurityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "serviceMonitor": {"enabled": args.monitored, "namespace": NAMESPACE},
        **image,
    }


def scaling(idle: str) -> dict[str, Any]:
    """Only a node on which nothing but DaemonSets runs goes.

    The autoscaler judges by the vCPUs and memory that pods ask for, and a node whose devices are all in use may have
    most of both to spare: by its defaults it would end a training that asks for less than half of them.
    """
    return {
        "expander": "least-waste",
        "ignore-daemonsets-utilization": True,
        "scale-down-utilization-threshold": 0.001,
        "scale-down-unneeded-time": idle,
        "scale-down-delay-after-add": idle,
        "skip-nodes-with-local-storage": False,
        "skip-nodes-with-system-pods": False,
    }


def policy(*, partition: str, region: str, account: str, cluster: str) -> dict[str, Any]:
    """To look at node groups, and to scale those that bear the tag which EKS gives to this cluster's."""
    look = [
        "autoscaling:DescribeAutoScalingGroups",
        "autoscaling:DescribeAutoScalingInstances",
        "autoscaling:DescribeScalingActivities",
        "ec2:DescribeInstanceTypes",
        "ec2:DescribeLaunchTemplateVersions",
    ]
    scale = ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"]
    here = {"StringEquals": {"aws:RequestedRegion": region}}
    owned = {"StringEquals": {f"aws:ResourceTag/k8s.io/cluster-autoscaler/{cluster}": "owned"}}
    node_groups = f"arn:{partition}:eks:{region}:{account}:nodegroup/{cluster}/*/*"
    groups = f"arn:{partition}:autoscaling:{region}:{account}:autoScalingGroup:*:autoScalingGroupName/*"
    statements = [
        {"Sid": "Look", "Effect": "Allow", "Action": look, "Resource": "*", "Condition": here},
        {"Sid": "ReadNodeGroups", "Effect": "Allow", "Action": "eks:DescribeNodegroup", "Resource": node_groups},
        {"Sid": "ScaleOwnGroups", "Effect": "Allow", "Action": scale, "Resource": groups, "Condition": owned},
    ]
    return {"Version": "2012-10-17", "Statement": statements}
