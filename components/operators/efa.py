"""The EFA device plugin."""

from dataclasses import dataclass
from typing import Any

import pulumi

from ..charts import Installation, rendered
from ..mirror import mirrored
from ..pods import EVERYWHERE
from ..versions import EFA_CHART

NAMESPACE = "kube-system"
EFA = "vpc.amazonaws.com/efa"

IMAGE = "602401143452.dkr.ecr.us-west-2.amazonaws.com/eks/aws-efa-k8s-device-plugin"
"""EKS's own registry. A node pulls from it in whatever region with the rights that it has anyway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EfaPluginArgs:
    mirror: str | None = None


class EfaPlugin(pulumi.ComponentResource):
    """Makes EFA interfaces a resource that pods can ask for: one small pod on each node whose type has them.

    It costs nothing while there is no such node.
    """

    resource: pulumi.Output[str]
    """What a pod asks for, once the plugin is declared to the cluster."""

    def __init__(self, name: str, args: EfaPluginArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("trainyard:components:EfaPlugin", name, {}, opts)
        what = Installation(chart=EFA_CHART, mirror=args.mirror, namespace=NAMESPACE, values=values(args.mirror))
        chart = rendered(f"{name}-chart", what, self)
        self.resource = chart.resources.apply(lambda _: EFA)
        self.register_outputs({"resource": self.resource})


def values(mirror: str | None) -> dict[str, Any]:
    """The chart's values. By itself it tolerates no taint: a Trainium node would have devices and never any EFA."""
    return {
        "image": {"repository": mirrored(IMAGE, mirror)},
        "tolerations": EVERYWHERE,
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}},
    }
