"""The KubeRay operator."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from ..charts import Installation, rendered
from ..mirror import mirrored
from ..versions import KUBERAY_CHART

API = "ray.io/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeRayArgs:
    mirror: str | None = None
    node_selector: Mapping[str, str] = field(default_factory=dict)
    scheduler: pulumi.Input[str] | None = None
    """Volcano's `scheduler`, where Ray clusters are to start as gangs: all of them do then, and a RayJob must bring its
    own, since one for a cluster that is there is refused. The operator watches Volcano's PodGroups, and does not start
    where there is no such kind. None: the cluster's own scheduler."""
    namespace: str = "kuberay-system"


class KubeRay(pulumi.ComponentResource):
    """The operator that turns RayJob and RayCluster objects into pods: one pod that asks for 0.1 vCPU and 0.5 GiB.

    RayJobs have to be gone before it goes: it alone can take off their finalizer.
    """

    api: pulumi.Output[str]
    """The API version of its objects, once their definitions and the operator are there."""

    def __init__(self, name: str, args: KubeRayArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("trainyard:components:KubeRay", name, {}, opts)
        namespace = kubernetes.core.v1.Namespace(
            f"{name}-namespace",
            metadata=ObjectMetaArgs(name=args.namespace),
            opts=pulumi.ResourceOptions(parent=self),
        )
        what = Installation(
            chart=KUBERAY_CHART, mirror=args.mirror, namespace=namespace.metadata.name, values=values(args)
        )
        chart = rendered(f"{name}-chart", what, self)
        self.api = chart.resources.apply(lambda _: API)
        self.register_outputs({"api": self.api})


def values(args: KubeRayArgs) -> dict[str, Any]:
    """The chart's values. Its own limit of a tenth of a vCPU makes the operator lag behind a handful of clusters."""
    gangs = {} if args.scheduler is None else {"batchScheduler": {"name": args.scheduler}}
    return {
        "image": {"repository": mirrored("quay.io/kuberay/operator", args.mirror)},
        "nodeSelector": dict(args.node_selector),
        "resources": {"requests": {"cpu": "100m", "memory": "512Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}},
        **gangs,
    }
