"""How Karpenter hears beforehand that an instance is about to go."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

EVENTS = {
    "health": ("aws.health", "AWS Health Event"),
    "spot": ("aws.ec2", "EC2 Spot Instance Interruption Warning"),
    "rebalance": ("aws.ec2", "EC2 Instance Rebalance Recommendation"),
    "state": ("aws.ec2", "EC2 Instance State-change Notification"),
    "reservation": ("aws.ec2", "EC2 Capacity Reservation Instance Interruption Warning"),
}
"""The events that Karpenter 1.14 understands, each with its source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InterruptionArgs:
    """A message that nobody has read after `retention_seconds` is too old to act on."""

    retention_seconds: int = 300


class Interruption(pulumi.ComponentResource):
    """A queue, and the rules that send AWS's warnings there. It costs nothing to speak of: a few messages a node."""

    queue_name: pulumi.Output[str]
    queue_arn: pulumi.Output[str]

    def __init__(self, name: str, args: InterruptionArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("trainyard:components:Interruption", name, {}, opts)
        inner = pulumi.ResourceOptions(parent=self)
        queue = aws.sqs.Queue(
            f"{name}-queue",
            message_retention_seconds=args.retention_seconds,
            sqs_managed_sse_enabled=True,
            opts=inner,
        )
        rules = [self._rule(f"{name}-{event}", event, queue) for event in EVENTS]
        aws.sqs.QueuePolicy(
            f"{name}-policy",
            queue_url=queue.url,
            policy=pulumi.Output.all(queue.arn, *(rule.arn for rule in rules)).apply(
                lambda arns: queue_policy(arns[0], arns[1:])
            ),
            opts=inner,
        )
        self.queue_name, self.queue_arn = queue.name, queue.arn
        self.register_outputs({"queue_name": self.queue_name, "queue_arn": self.queue_arn})

    def _rule(self, name: str, event: str, queue: aws.sqs.Queue) -> aws.cloudwatch.EventRule:
        rule = aws.cloudwatch.EventRule(
            f"{name}-rule", event_pattern=event_pattern(event), opts=pulumi.ResourceOptions(parent=self)
        )
        aws.cloudwatch.EventTarget(
            f"{name}-target", rule=rule.name, arn=queue.arn, opts=pulumi.ResourceOptions(parent=self)
        )
        return rule


def event_pattern(event: str) -> str:
    source, detail = EVENTS[event]
    return json.dumps({"source": [source], "detail-type": [detail]}, sort_keys=True)


def queue_policy(queue: str, rules: Sequence[str]) -> str:
    """These rules may send, nobody may do anything without TLS."""
    send = {
        "Sid": "RulesSend",
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
        "Condition": {"ArnEquals": {"aws:SourceArn": list(rules)}},
    }
    encrypted = {
        "Sid": "OnlyWithTLS",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:*",
        "Resource": queue,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [send, encrypted]}, sort_keys=True)
