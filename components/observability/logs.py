"""Container logs in CloudWatch, by Fluent Bit.

The add-on amazon-cloudwatch-observability would do the same, but brings a neuron-monitor of its own to every node with
Neuron devices, beside the one that Prometheus reads: two of them would ask one driver. Fluent Bit alone sends logs, and
nothing else is billed.
"""

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi_kubernetes import core

from ..charts import Installation, rendered
from ..mirror import mirrored
from ..pod_identity import PodIdentity, PodIdentityArgs, policy
from ..pods import EVERYWHERE, metadata
from ..versions import FLUENT_BIT_CHART

ACCOUNT = "fluent-bit"
NAMESPACE = "kube-system"
IMAGE = "public.ecr.aws/aws-observability/aws-for-fluent-bit"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogsArgs:
    cluster_name: pulumi.Input[str]
    region: pulumi.Input[str]
    retention_days: int = 30
    """As many as CloudWatch knows: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365 …"""
    kms_key: pulumi.Input[str] | None = None
    """Key to encrypt logs with, that CloudWatch Logs may use; None: CloudWatch's own."""
    mirror: str | None = None


class Logs(pulumi.ComponentResource):
    """A log group, and a small pod on every node that sends what containers write there, a stream for each container.

    It costs USD 0.50 a GB that is written (AWS's price list for CloudWatch Logs, us-east-1, read 2026-11-21), idle next
    to nothing. The logs go with the stack: what a run has to keep, its folder has.
    """

    group: pulumi.Output[str]
    """Name of the log group."""

    def __init__(self, name: str, args: LogsArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("trainyard:components:Logs", name, {}, opts)
        group = aws.cloudwatch.LogGroup(
            f"{name}-group",
            retention_in_days=args.retention_days,
            kms_key_id=args.kms_key,
            opts=pulumi.ResourceOptions(parent=self),
        )
        identity = PodIdentity(
            f"{name}-identity",
            PodIdentityArgs(
                cluster_name=args.cluster_name,
                namespace=NAMESPACE,
                service_account=ACCOUNT,
                policies={"logs": group.arn.apply(rights)},
            ),
            pulumi.ResourceOptions(parent=self),
        )
        account = core.v1.ServiceAccount(
            f"{name}-account",
            metadata=metadata(ACCOUNT, NAMESPACE),
            # a pod that starts before the association is there never gets credentials
            opts=pulumi.ResourceOptions(parent=self, depends_on=[identity]),
        )
        chosen = values(args, group.name, account.metadata.apply(lambda _: ACCOUNT))
        what = Installation(chart=FLUENT_BIT_CHART, mirror=args.mirror, namespace=NAMESPACE, values=chosen)
        rendered(f"{name}-chart", what, self)
        self.group = group.name
        self.register_outputs({"group": self.group})


def rights(group_arn: str) -> str:
    """Writing into the streams of one log group, which it cannot make, change or read."""
    actions = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    return policy({"Effect": "Allow", "Action": actions, "Resource": [f"{group_arn}:*"]})


def values(args: LogsArgs, group: pulumi.Input[str], account: pulumi.Input[str]) -> dict[str, Any]:
    """The chart's values: one output, to a log group that is there."""
    names = ("namespace_name", "pod_name", "container_name")
    return {
        "image": {"repository": mirrored(IMAGE, args.mirror)},
        "serviceAccount": {"create": False, "name": account},
        "tolerations": EVERYWHERE,
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
        "cloudWatchLogs": {
            "enabled": True,
            "region": args.region,
            "logGroupName": group,
            # a last line, sent while all is being taken down, would bring the group back without a retention
            "autoCreateGroup": False,
            "logStreamPrefix": "lost-",
            "logStreamTemplate": ".".join(f"$kubernetes['{name}']" for name in names),
            # the stream's name says whose the line is: send the line alone
            "logKey": "log",
        },
    }
