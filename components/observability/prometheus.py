"""Prometheus and Grafana, from kube-prometheus-stack."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi_kubernetes import core

from ..charts import Installation, released
from ..mirror import registry
from ..pods import labels
from ..versions import PROMETHEUS_CHART
from .dashboard import dashboard

NAMESPACE = "monitoring"
GRAFANA = f"{PROMETHEUS_CHART.name}-grafana"
"""Grafana's Service, and the Secret with its password."""

PORT = 3000


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadBalancer:
    """A way to Grafana from outside: by TLS, for those who come from `cidrs`, and with its password."""

    certificate_arn: pulumi.Input[str]
    """A certificate of ACM: without one the password would travel in clear."""
    cidrs: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PrometheusArgs:
    mirror: str | None = None
    node_selector: Mapping[str, str] = field(default_factory=dict)
    retention_days: int = 15
    storage_class: pulumi.Input[str] | None = None
    """Class of the volume that keeps metrics when Prometheus's pod moves; None: they go with the pod. A run's own
    numbers are in its folder in any case."""
    storage_gib: int = 20
    load_balancer: LoadBalancer | None = None
    """None: Grafana is reached by port-forward alone."""


class Prometheus(pulumi.ComponentResource):
    """Prometheus, its operator, exporters of the cluster's and the nodes' state, and Grafana with the run's dashboard.

    Idle it asks for 0.8 vCPU and 2.2 GiB of the nodes it runs on, and has a small pod on every node; with
    `storage_class` its volume comes to it, with `load_balancer` USD 0.0225 an hour (Elastic Load Balancing's pricing
    page, us-east-1, as of 2026-09-20). Its custom resource definitions stay when it goes: Helm removes none.
    """

    release: pulumi.Output[str]
    """The release's name, once it is installed: the kinds PodMonitor and ServiceMonitor are there."""
    forward: pulumi.Output[str]
    """What follows `kubectl` to reach Grafana at http://localhost:3000."""
    password: pulumi.Output[str]
    """What follows `kubectl` to read the password of Grafana's user `admin`.

    Grafana's chart makes it up at the first installation and takes it from its Secret from then on. So it is never in
    Pulumi's state, config or output, nor on a command line, and the same after every update.
    """
    address: pulumi.Output[str] | None
    """Host name of the load balancer, where one is asked for."""

    def __init__(self, name: str, args: PrometheusArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("trainyard:components:Prometheus", name, {}, opts)
        inner = pulumi.ResourceOptions(parent=self)
        namespace = core.v1.Namespace(f"{name}-namespace", metadata={"name": NAMESPACE}, opts=inner)
        home = namespace.metadata.apply(lambda _: NAMESPACE)
        what = Installation(chart=PROMETHEUS_CHART, mirror=args.mirror, namespace=home, values=values(args))
        release = released(f"{name}-chart", what, self)
        # Grafana looks for dashboards by this label, in every namespace
        core.v1.ConfigMap(
            f"{name}-dashboard",
            metadata={
                "name": "trainyard-dashboard",
                "namespace": home,
                "labels": {**labels("trainyard-dashboard"), "grafana_dashboard": "1"},
            },
            data={"trainyard.json": json.dumps(dashboard(), sort_keys=True)},
            opts=inner,
        )
        self.release = release.name.apply(lambda _: PROMETHEUS_CHART.name)
        self.forward = self.release.apply(lambda _: f"--namespace {NAMESPACE} port-forward service/{GRAFANA} {PORT}:80")
        self.password = self.release.apply(
            lambda _: (
                f"--namespace {NAMESPACE} get secret {GRAFANA} "
                "--output go-template='{{index .data \"admin-password\" | base64decode}}'"
            )
        )
        self.address = self._address(name, args.load_balancer, home) if args.load_balancer else None
        self.register_outputs(
            {"release": self.release, "forward": self.forward, "password": self.password, "address": self.address}
        )

    def _address(self, name: str, balancer: LoadBalancer, namespace: pulumi.Output[str]) -> pulumi.Output[str]:
        """A Service beside the chart's own: `pulumi destroy` waits until AWS has taken its load balancer away."""
        service = core.v1.Service(
            f"{name}-public",
            metadata={
                "name": "grafana-public",
                "namespace": namespace,
                "labels": labels("grafana-public"),
                "annotations": _annotations(balancer),
            },
            spec={
                "type": "LoadBalancer",
                "load_balancer_source_ranges": balancer.cidrs,
                "selector": {"app.kubernetes.io/name": "grafana", "app.kubernetes.io/instance": PROMETHEUS_CHART.name},
                "ports": [{"name": "https", "port": 443, "target_port": PORT}],
            },
            opts=pulumi.ResourceOptions(parent=self),
        )
        return service.status.load_balancer.ingress[0].hostname


def _annotations(balancer: LoadBalancer) -> dict[str, pulumi.Input[str]]:
    prefix = "service.beta.kubernetes.io/aws-load-balancer"
    return {
        f"{prefix}-type": "nlb",
        f"{prefix}-ssl-cert": balancer.certificate_arn,
        f"{prefix}-ssl-ports": "https",
        f"{prefix}-ssl-negotiation-policy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
    }


def values(args: PrometheusArgs) -> dict[str, Any]:
    """The chart's values. What EKS keeps to itself (etcd, scheduler, controllers) is not looked for."""
    place = {"nodeSelector": dict(args.node_selector)}
    hidden = ("kubeControllerManager", "kubeScheduler", "kubeEtcd", "kubeProxy")
    return {
        "global": {"imageRegistry": registry("", args.mirror)},
        **{component: {"enabled": False} for component in hidden},
        # nobody is named whom it could alert: AWS Budgets sends the one alarm that there is
        "alertmanager": {"enabled": False},
        "prometheusOperator": {
            **place,
            "resources": _resources("100m", "128Mi"),
            "admissionWebhooks": {"patch": place},
        },
        "prometheus": {"prometheusSpec": {**place, **_prometheus(args)}},
        "kube-state-metrics": {**place, "resources": _resources("50m", "64Mi")},
        "prometheus-node-exporter": {"resources": _resources("20m", "32Mi")},
        "grafana": {
            **place,
            "resources": _resources("100m", "256Mi"),
            "sidecar": {"resources": _resources("10m", "96Mi")},
            "defaultDashboardsTimezone": "browser",
        },
    }


def _prometheus(args: PrometheusArgs) -> dict[str, Any]:
    """Prometheus takes in the monitors of every namespace, whoever made them."""
    kinds = ("serviceMonitor", "podMonitor", "rule", "probe", "scrapeConfig")
    size = f"{args.storage_gib}Gi"
    return {
        **{f"{kind}SelectorNilUsesHelmValues": False for kind in kinds},
        "retention": f"{args.retention_days}d",
        "retentionSize": f"{args.storage_gib * 9 // 10}GiB",
        "resources": _resources("500m", "1536Mi"),
        "storageSpec": {"emptyDir": {"sizeLimit": size}} if args.storage_class is None else _volume(args, size),
        # a volume that outlives its claim would go on costing when the stack is gone
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete", "whenScaled": "Delete"},
    }


def _volume(args: PrometheusArgs, size: str) -> dict[str, Any]:
    spec = {
        "storageClassName": args.storage_class,
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": size}},
    }
    return {"volumeClaimTemplate": {"spec": spec}}


def _resources(cpu: str, memory: str) -> dict[str, Any]:
    return {"requests": {"cpu": cpu, "memory": memory}}
