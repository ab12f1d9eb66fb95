"""Volcano: a scheduler that starts the pods of a job all together or not at all."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from ..charts import Installation, released
from ..mirror import registry
from ..versions import VOLCANO_CHART

SCHEDULER = "volcano"


@dataclass(frozen=True, slots=True, kw_only=True)
class VolcanoArgs:
    mirror: str | None = None
    node_selector: Mapping[str, str] = field(default_factory=dict)
    namespace: str = "volcano-system"


class Volcano(pulumi.ComponentResource):
    """Volcano's scheduler, controllers and admission webhook: three pods that ask for 0.3 vCPU and 0.6 GiB together.

    Its custom resource definitions stay when it goes: Helm removes none. Jobs and queues of its own have to go first.
    """

    scheduler: pulumi.Output[str]
    """The `schedulerName` of pods that are to start together, once Volcano is installed."""

    def __init__(self, name: str, args: VolcanoArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("trainyard:components:Volcano", name, {}, opts)
        namespace = kubernetes.core.v1.Namespace(
            f"{name}-namespace",
            metadata=ObjectMetaArgs(name=args.namespace),
            opts=pulumi.ResourceOptions(parent=self),
        )
        what = Installation(
            chart=VOLCANO_CHART, mirror=args.mirror, namespace=namespace.metadata.name, values=values(args)
        )
        release = released(f"{name}-chart", what, self)
        self.scheduler = release.name.apply(lambda _: SCHEDULER)
        self.register_outputs({"scheduler": self.scheduler})


def values(args: VolcanoArgs) -> dict[str, Any]:
    """The chart's values; JSON is YAML too, which its scheduler reads."""
    small = {"requests": {"cpu": "100m", "memory": "192Mi"}, "limits": {"memory": "1Gi"}}
    return {
        "basic": {"image_registry": registry("docker.io", args.mirror), "image_pull_policy": "IfNotPresent"},
        "custom": {
            "scheduler_config_override": json.dumps(scheduler_config(), sort_keys=True),
            "default_ns": dict(args.node_selector) or None,
            **{f"{part}_resources": small for part in ("scheduler", "controller", "admission")},
        },
    }


def scheduler_config() -> dict[str, Any]:
    """Volcano's own configuration, with `overcommit` told to count on no more than there is.

    Who buys nodes looks for pods marked Unschedulable. Volcano 1.15.1 marks all pods of a gang so that `enqueue` holds
    back, and it holds one back until the nodes that there are have room for the whole: each pod stays in sight until
    the last node has come. Without `enqueue`, as is often advised, or where `overcommit` counts on its usual 20% more
    than there is, pods that would fit by now are marked Schedulable instead, which Karpenter passes over. Their nodes
    look free to it, and good for the pods that are left: a gang whose last machine AWS did not have at once would wait
    for ever.
    """
    first = [{"name": "priority"}, {"name": "gang", "enablePreemptable": False}, {"name": "conformance"}]
    others = ("predicates", "proportion", "nodeorder", "binpack")
    second = [
        {"name": "overcommit", "arguments": {"overcommit-factor": 1.0}},
        {"name": "drf", "enablePreemptable": False},
        *({"name": name} for name in others),
    ]
    return {"actions": "enqueue, allocate, backfill", "tiers": [{"plugins": first}, {"plugins": second}]}
