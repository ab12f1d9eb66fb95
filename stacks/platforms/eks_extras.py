"""What a person needs to see, touch and stop on the platform `eks`. No step waits for any of it."""

import base64
import hashlib
from typing import Any

import pulumi

from components.addons import Addons
from components.guard.budget import Budget, BudgetArgs
from components.guard.quota import Quota, QuotaArgs
from components.guard.ttl import Ttl, TtlArgs
from components.observability.logs import Logs, LogsArgs
from components.observability.neuron_monitor import NeuronMonitor, NeuronMonitorArgs
from components.observability.prometheus import Prometheus, PrometheusArgs
from components.observability.run_metrics import RunMetrics, RunMetricsArgs
from components.observability.tensorboard import TensorBoard, TensorBoardArgs
from components.run import NAME
from components.step import Bundle
from components.workbench import Workbench, WorkbenchArgs
from workloads.launchers.bundle import bundle
from workloads.launchers.pods import BUNDLE

from ..cluster import RUN_IMAGE
from ..settings import Settings
from .eks_nodes import ON_CORE, Base

WORKBENCH = "workbench"

Outputs = dict[str, Any]


def make(
    base: Base, settings: Settings, addons: Addons, namespace: pulumi.Output[str], claim: pulumi.Output[str]
) -> Outputs:
    """Declares what the settings ask for; returns, by name, what follows `kubectl` in the commands that go with it."""
    _guard(base, settings, namespace)
    return {
        **_metrics(base, settings, addons, namespace, claim),
        **_curves(base, namespace, claim),
        **_workbench(base, settings, namespace, claim),
    }


def sources(name: str, module: str) -> Bundle:
    """A program of the project's for a pod that is no step."""
    content = bundle(module)
    known = hashlib.sha256(content).hexdigest()[:10]
    return Bundle(name=f"program-{name}-{known}", file=BUNDLE, content=base64.b64encode(content).decode())


def _metrics(
    base: Base, settings: Settings, addons: Addons, namespace: pulumi.Output[str], claim: pulumi.Output[str]
) -> Outputs:
    given, fleet = settings.keys.observability, settings.fleet
    if given.logs:
        logs = LogsArgs(
            cluster_name=base.cluster.name_for_nodes,
            region=base.region,
            retention_days=given.log_days,
            mirror=base.mirror,
        )
        Logs("logs", logs, base.opts)
    if not given.metrics:
        return {}
    args = PrometheusArgs(mirror=base.mirror, node_selector=ON_CORE, storage_class=addons.storage_class)
    prometheus = Prometheus("prometheus", args, base.opts)
    kinds = [fleet.instance.name] if fleet else []
    monitor = NeuronMonitorArgs(instance_types=kinds, release=prometheus.release, mirror=base.mirror)
    NeuronMonitor("neuron-monitor", monitor, base.opts)
    run = RunMetricsArgs(
        namespace=namespace,
        claim=claim,
        bundle=sources("exporter", "programs.exporter"),
        module="programs.exporter",
        release=prometheus.release,
        image=RUN_IMAGE,
        node_selector=ON_CORE,
    )
    RunMetrics("run-metrics", run, base.opts)
    return {"grafana": prometheus.forward, "grafanaPassword": prometheus.password}


def _curves(base: Base, namespace: pulumi.Output[str], claim: pulumi.Output[str]) -> Outputs:
    args = TensorBoardArgs(namespace=namespace, claim=claim, node_selector=ON_CORE, mirror=base.mirror)
    return {"curves": TensorBoard("tensorboard", args, base.opts).forward}


def _workbench(base: Base, settings: Settings, namespace: pulumi.Output[str], claim: pulumi.Output[str]) -> Outputs:
    given, fleet = settings.keys.workbench, settings.fleet
    if not given.enabled:
        return {}
    devices = fleet.instance.neuron_devices if fleet and given.devices else 0
    args = WorkbenchArgs(namespace=namespace, claim=claim, neuron_devices=devices, mirror=base.mirror)
    return {"workbench": Workbench(WORKBENCH, args, base.opts).shell}


def _guard(base: Base, settings: Settings, namespace: pulumi.Output[str]) -> None:
    given, fleet = settings.keys.guard, settings.fleet
    if given.monthly_dollars:
        budget = BudgetArgs(dollars=given.monthly_dollars, emails=given.emails, tags=base.tags)
        Budget("budget", budget, base.opts)
    if given.ttl_hours:
        ttl = TtlArgs(
            namespace=namespace,
            hours=given.ttl_hours,
            bundle=sources("ttl", "programs.ttl"),
            module="programs.ttl",
            run=NAME,
            image=RUN_IMAGE,
            workbench=WORKBENCH if settings.keys.workbench.devices else None,
            node_selector=ON_CORE,
        )
        Ttl("ttl", ttl, base.opts)
    if fleet is None:
        raise ValueError("the platform eks has a fleet")
    nodes, each = settings.trainium_nodes, fleet.instance
    room = QuotaArgs(
        namespace=namespace,
        neuron_devices=nodes * each.neuron_devices,
        cpu=nodes * each.vcpus + PROCESSOR_VCPUS,
        memory_gib=nodes * each.memory + PROCESSOR_GIB,
    )
    Quota("quota", room, base.opts)


PROCESSOR_VCPUS, PROCESSOR_GIB = 128, 1024
"""Room for steps without Neuron devices and for what a person sees: more than any recipe's steps side by side."""
