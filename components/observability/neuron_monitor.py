"""neuron-monitor on every node with Neuron devices, read by Prometheus."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_kubernetes import apps, core

from ..mirror import mirrored
from ..pods import EVERYWHERE, metadata, resources, selector, template
from ..versions import NEURON_MONITOR_IMAGE
from .pod_monitor import INTERVAL, NODE, PORT_NAME, pod_monitor

NAME = "neuron-monitor"
PORT = 8000
CONFIG = "monitor.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class NeuronMonitorArgs:
    instance_types: Sequence[str]
    """EC2 types with Neuron devices."""
    release: pulumi.Input[str]
    """Prometheus's `release`."""
    mirror: str | None = None
    namespace: str = "kube-system"


class NeuronMonitor(pulumi.ComponentResource):
    """A pod on each node with Neuron devices that tells of their use and memory. Without such nodes it costs nothing.

    There must be no second one on a node: both would ask the same driver.
    """

    port: pulumi.Output[int]
    """Where each pod offers metrics, at /metrics."""

    def __init__(self, name: str, args: NeuronMonitorArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("trainyard:components:NeuronMonitor", name, {}, opts)
        inner = pulumi.ResourceOptions(parent=self)
        config = core.v1.ConfigMap(
            f"{name}-config",
            metadata=metadata(NAME, args.namespace),
            data={CONFIG: json.dumps(monitor_config(), sort_keys=True)},
            opts=inner,
        )
        daemons = apps.v1.DaemonSet(
            f"{name}-daemons",
            metadata=metadata(NAME, args.namespace),
            spec={
                "selector": {"match_labels": selector(NAME)},
                "template": template(NAME, pod(args, config.metadata.apply(lambda _: NAME))),
            },
            opts=inner,
        )
        pod_monitor(name, NAME, args.namespace, args.release, inner, relabelings=[NODE])
        self.port = daemons.metadata.apply(lambda _: PORT)
        self.register_outputs({"port": self.port})


def monitor_config() -> dict[str, Any]:
    """What neuron-monitor measures, as often as it is read: of each Neuron process, of the devices, and of the host."""
    of_processes = ("neuroncore_counters", "memory_used", "execution_stats")
    of_the_node = ("neuron_hw_counters", "memory_info", "vcpu_usage")
    return {
        "period": INTERVAL,
        "neuron_runtimes": [{"tag_filter": ".*", "metrics": [{"type": one} for one in of_processes]}],
        "system_metrics": [{"type": one} for one in of_the_node],
    }


def pod(args: NeuronMonitorArgs, config: pulumi.Input[str]) -> core.v1.PodSpecArgsDict:
    """The pod. It is privileged, since it reads all devices of the node while others use them: to ask for one as a
    resource would take it away from them."""
    return {
        "automount_service_account_token": False,
        "enable_service_links": False,
        "tolerations": EVERYWHERE,
        "priority_class_name": "system-node-critical",
        "security_context": {"seccomp_profile": {"type": "RuntimeDefault"}},
        "affinity": {"node_affinity": _on(args.instance_types)},
        "containers": [
            {
                "name": NAME,
                "image": mirrored(NEURON_MONITOR_IMAGE, args.mirror),
                "command": ["/opt/bin/entrypoint.sh"],
                "args": ["--port", str(PORT), "--neuron-monitor-config", f"/etc/neuron-monitor/{CONFIG}"],
                "ports": [{"name": PORT_NAME, "container_port": PORT}],
                # Go's garbage collector is told of the limit before the kernel enforces it
                "env": [{"name": "GOMEMLIMIT", "value": "320MiB"}],
                "resources": resources("250m", "128Mi", limit="512Mi"),
                "security_context": {"privileged": True},
                "volume_mounts": [{"name": "config", "mount_path": "/etc/neuron-monitor", "read_only": True}],
            }
        ],
        "volumes": [{"name": "config", "config_map": {"name": config}}],
    }


def _on(instance_types: Sequence[str]) -> core.v1.NodeAffinityArgsDict:
    types: core.v1.NodeSelectorRequirementArgsDict = {
        "key": "node.kubernetes.io/instance-type",
        "operator": "In",
        "values": list(instance_types),
    }
    terms: core.v1.NodeSelectorArgsDict = {"node_selector_terms": [{"match_expressions": [types]}]}
    return {"required_during_scheduling_ignored_during_execution": terms}
