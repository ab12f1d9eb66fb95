"""Karpenter's controller: what it needs in AWS, and its charts."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from .charts import Installation, released
from .interruption import Interruption, InterruptionArgs
from .karpenter_policy import DOCUMENTS, Scope
from .mirror import mirrored
from .outputs import once
from .pod_identity import PodIdentity, PodIdentityArgs
from .versions import KARPENTER_CHART, KARPENTER_CRD_CHART, Chart

NAMESPACE = "kube-system"
SERVICE_ACCOUNT = "karpenter"
IMAGE = "public.ecr.aws/karpenter/controller"


@dataclass(frozen=True, slots=True, kw_only=True)
class KarpenterArgs:
    """`node_role_name` and `node_role_arn` are of a role that no managed node group has: its access entry is made here.

    Nodes may be launched in `subnet_ids`, with `security_group_ids`, and into `reservation_ids`; nowhere else.
    """

    cluster_name: pulumi.Input[str]
    cluster_endpoint: pulumi.Input[str]
    region: pulumi.Input[str]
    account_id: pulumi.Input[str]
    node_role_name: pulumi.Input[str]
    node_role_arn: pulumi.Input[str]
    subnet_ids: Sequence[pulumi.Input[str]]
    security_group_ids: Sequence[pulumi.Input[str]]
    runs_on: Sequence[pulumi.Input[str]]
    """What is known once its pods can run: the core node group, the Pod Identity agent. It is gone before they are."""
    reservation_ids: Sequence[str] = ()
    replicas: int = 2
    """Each on a core node of its own: as many as there are always such nodes, and 2 at most."""
    monitored: bool = False
    """Whether to tell Prometheus of it; takes the ServiceMonitor kind."""
    mirror: str | None = None
    partition: str = "aws"


class Karpenter(pulumi.ComponentResource):
    """Karpenter, able to launch and end nodes, with no pool to do it from yet. It costs nothing but its share of the
    core nodes (half a vCPU and 1 GiB a replica).

    Both charts are real Helm releases. Whether nodes can go depends on the controller being there until the last one
    has: a release is one resource, and whatever depends on it is destroyed before any part of it. The definitions come
    from their own chart, since Helm never updates or removes those that the controller's chart carries.
    """

    instance_profile: pulumi.Output[str]
    """Name of the nodes' instance profile, known once the controller runs and its nodes are let in. What is made from
    it is destroyed while the controller still is there to see to its finalizers."""
    queue_name: pulumi.Output[str]

    def __init__(self, name: str, args: KarpenterArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("trainyard:components:Karpenter", name, {}, opts)
        inner = pulumi.ResourceOptions(parent=self)
        # one profile made here spares the controller all rights to make, change and delete such profiles
        profile = aws.iam.InstanceProfile(f"{name}-nodes", role=args.node_role_name, opts=inner)
        entry = aws.eks.AccessEntry(
            f"{name}-entry",
            cluster_name=args.cluster_name,
            principal_arn=args.node_role_arn,
            type="EC2_LINUX",
            opts=inner,
        )
        warnings = Interruption(f"{name}-interruption", InterruptionArgs(), inner)
        identity = self._identity(name, args, warnings.queue_arn)
        controller = self._controller(name, args, identity.association, warnings.queue_name)
        self.instance_profile = once(profile.name, entry.id, controller)
        self.queue_name = warnings.queue_name
        self.register_outputs({"instance_profile": self.instance_profile, "queue_name": self.queue_name})

    def _controller(
        self, name: str, args: KarpenterArgs, association: pulumi.Output[str], queue_name: pulumi.Output[str]
    ) -> pulumi.Output[str]:
        """The id of the controller's release, known once its pods are ready."""

        def install(part: str, chart: Chart, told: dict[str, Any]) -> pulumi.Output[str]:
            what = Installation(chart=chart, mirror=args.mirror, namespace=NAMESPACE, values=told)
            return released(f"{name}-{part}", what, self).id

        definitions = install("definitions", KARPENTER_CRD_CHART, {})
        cluster = once(args.cluster_name, association, definitions, *args.runs_on)
        return install("controller", KARPENTER_CHART, values(args, cluster, queue_name))

    def _identity(self, name: str, args: KarpenterArgs, queue_arn: pulumi.Input[str]) -> PodIdentity:
        facts = pulumi.Output.all(
            partition=args.partition,
            region=args.region,
            account_id=args.account_id,
            cluster_name=args.cluster_name,
            node_role_arn=args.node_role_arn,
            queue_arn=queue_arn,
            subnet_ids=args.subnet_ids,
            security_group_ids=args.security_group_ids,
            reservation_ids=args.reservation_ids,
        )
        scope = facts.apply(lambda known: Scope(**known))
        policies = {
            policy: scope.apply(lambda known, document=document: json.dumps(document(known), sort_keys=True))
            for policy, document in DOCUMENTS.items()
        }
        return PodIdentity(
            f"{name}-identity",
            PodIdentityArgs(
                cluster_name=args.cluster_name,
                namespace=NAMESPACE,
                service_account=SERVICE_ACCOUNT,
                policies=policies,
            ),
            pulumi.ResourceOptions(parent=self),
        )


def values(args: KarpenterArgs, cluster: pulumi.Input[str], queue: pulumi.Input[str]) -> dict[str, Any]:
    """The controller chart's values."""
    size = {"cpu": "500m", "memory": "1Gi"}
    image = {"image": {"repository": mirrored(IMAGE, args.mirror)}} if args.mirror else {}
    return {
        "replicas": args.replicas,
        "serviceAccount": {"name": SERVICE_ACCOUNT},
        # it asks for names of AWS only: by the node's own resolver it starts before CoreDNS, and outlives it
        "dnsPolicy": "Default",
        "settings": {"clusterName": cluster, "clusterEndpoint": args.cluster_endpoint, "interruptionQueue": queue},
        "controller": {
            # the instance's metadata, where it would look for the region, is out of pods' reach
            "env": [{"name": "AWS_REGION", "value": args.region}],
            "resources": {"requests": size, "limits": {"memory": size["memory"]}},
            **image,
        },
        "serviceMonitor": {"enabled": args.monitored},
    }
