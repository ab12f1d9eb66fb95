"""What tells Prometheus of pods to read."""

from collections.abc import Sequence
from typing import Any

import pulumi
from pulumi_kubernetes import apiextensions

from ..pods import labels, selector

PORT_NAME = "metrics"
INTERVAL = "15s"

NODE = {"sourceLabels": ["__meta_kubernetes_pod_node_name"], "targetLabel": "node"}
"""Has Prometheus say which node a number is of."""


def pod_monitor(
    name: str,
    pods: str,
    namespace: pulumi.Input[str],
    release: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
    *,
    relabelings: Sequence[dict[str, Any]] = (),
) -> apiextensions.CustomResource:
    """Has the Prometheus of `release` read the pods that are called `pods`, at their port `metrics`.

    The release's name is its label, by which Prometheus chooses, and has it wait for the kind to be there.
    """
    return apiextensions.CustomResource(
        f"{name}-monitor",
        api_version="monitoring.coreos.com/v1",
        kind="PodMonitor",
        metadata={"name": pods, "namespace": namespace, "labels": {**labels(pods), "release": release}},
        spec={
            "selector": {"matchLabels": selector(pods)},
            "podMetricsEndpoints": [{"port": PORT_NAME, "interval": INTERVAL, "relabelings": list(relabelings)}],
        },
        opts=opts,
    )
