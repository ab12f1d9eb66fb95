"""A Volcano queue: what all gangs of a stack may have at a time."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from ..outputs import once

API = "scheduling.volcano.sh/v1beta1"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueArgs:
    """`capability` has quantities by resource; what it leaves out is not bounded. Queues are in no namespace."""

    name: str
    capability: Mapping[str, str]
    scheduler: pulumi.Input[str] | None = None
    """Volcano's `scheduler`, where this stack installs it: its kinds are there then."""


class Queue(pulumi.ComponentResource):
    """One queue, which lends nothing to others and costs nothing. Its gangs have to go before it does."""

    queue: pulumi.Output[str]
    """Its name, once it is there."""

    def __init__(self, name: str, args: QueueArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("trainyard:components:Queue", name, {}, opts)
        known = args.name if args.scheduler is None else once(args.name, args.scheduler)
        made = CustomResource(
            f"{name}-queue",
            api_version=API,
            kind="Queue",
            metadata=ObjectMetaArgs(name=known),
            spec={"weight": 1, "reclaimable": False, "capability": dict(args.capability)},
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.queue = once(args.name, made.id)
        self.register_outputs({"queue": self.queue})
