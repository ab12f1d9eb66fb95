"""The Neuron device plugin, and what comes with it in AWS's chart."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from ..charts import Installation, rendered
from ..mirror import mirrored
from ..pods import EVERYWHERE, NEURON
from ..versions import NEURON_CHART

NAMESPACE = "kube-system"


@dataclass(frozen=True, slots=True, kw_only=True)
class NeuronPluginArgs:
    mirror: str | None = None
    scheduler_extension: bool = False
    """Place pods that take a part of a node's devices on neighbouring ones. Such pods name the chart's own scheduler,
    `my-scheduler`; a pod that takes all devices of its node gains nothing, and Volcano does not know of it."""
    node_selector: Mapping[str, str] = field(default_factory=dict)
    """Where the scheduler extension runs."""


class NeuronPlugin(pulumi.ComponentResource):
    """Makes Neuron devices a resource that pods can ask for, and marks nodes whose devices fail (NeuronHealth).

    Two small pods on each node with Neuron devices, none elsewhere: it costs nothing while there is no such node.
    """

    resource: pulumi.Output[str]
    """What a pod asks for, once the plugin is declared to the cluster."""

    def __init__(self, name: str, args: NeuronPluginArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("trainyard:components:NeuronPlugin", name, {}, opts)
        what = Installation(chart=NEURON_CHART, mirror=args.mirror, namespace=NAMESPACE, values=values(args))
        chart = rendered(f"{name}-chart", what, self)
        self.resource = chart.resources.apply(lambda _: NEURON)
        self.register_outputs({"resource": self.resource})


def values(args: NeuronPluginArgs) -> dict[str, Any]:
    """The chart's values. `namespaceOverride`: left alone it wants a namespace that it does not make."""
    own = mirrored("public.ecr.aws/neuron", args.mirror)
    problem_detector = mirrored("registry.k8s.io/node-problem-detector/node-problem-detector", args.mirror)
    return {
        "devicePlugin": {
            "enabled": True,
            "image": {"repository": f"{own}/neuron-device-plugin"},
            "tolerations": EVERYWHERE,
            "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}},
        },
        "npd": {
            "enabled": True,
            "namespaceOverride": NAMESPACE,
            "nodeProblemDetector": {"image": {"repository": problem_detector}},
            # it only watches: to terminate nodes it would need rights in AWS, and node groups replace broken ones
            "nodeRecovery": {"enabled": False, "image": {"repository": f"{own}/neuron-node-recovery"}},
        },
        "scheduler": _scheduler(args, own),
    }


def _scheduler(args: NeuronPluginArgs, own: str) -> dict[str, Any]:
    if not args.scheduler_extension:
        return {"enabled": False}
    kube_scheduler = mirrored("public.ecr.aws/eks-distro/kubernetes/kube-scheduler", args.mirror)
    return {
        "enabled": True,
        "image": {"repository": f"{own}/neuron-scheduler"},
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}},
        "nodeSelector": dict(args.node_selector),
        "customScheduler": {"image": {"repository": kube_scheduler}, "nodeSelector": dict(args.node_selector)},
    }
