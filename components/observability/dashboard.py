"""The run's dashboard in Grafana, as data."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

WIDTH = 24
"""Columns of Grafana's grid."""
HEIGHT = 8

PROMETHEUS = {"type": "prometheus", "uid": "prometheus"}
"""The source of data that kube-prometheus-stack sets up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """An expression of Prometheus, and how its lines are named."""

    expression: str
    legend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    title: str
    what: str
    """What to read from it, for those who see it the first time."""
    queries: Sequence[Query]
    unit: str = "short"
    logarithmic: bool = False


RUN = '{recipe=~"$recipe"}'

PANELS = (
    Panel(
        title="Loss",
        what="Of the training batches, and held out. It should fall, and the two should not part.",
        queries=(
            Query(expression=f"trainyard_loss{RUN}", legend="{{step}}"),
            Query(expression=f"trainyard_held_out_loss{RUN}", legend="{{step}} held out"),
        ),
        logarithmic=True,
    ),
    Panel(
        title="Tokens per second",
        what="All nodes together. A drop is a straggler, a checkpoint, or data that comes too slowly.",
        queries=(Query(expression=f"trainyard_tokens_per_second{RUN}", legend="{{step}}"),),
    ),
    Panel(
        title="Progress",
        what="Share of the training steps that are done.",
        queries=(Query(expression=f"trainyard_step{RUN} / trainyard_steps{RUN}", legend="{{step}}"),),
        unit="percentunit",
    ),
    Panel(
        title="NeuronCore utilisation",
        what="Mean of a node's cores. Long stretches near zero are paid for nothing: compiling, loading, or waiting.",
        queries=(Query(expression="avg by (node) (neuroncore_utilization_ratio)", legend="{{node}}"),),
        unit="percentunit",
    ),
    Panel(
        title="Utilisation of each NeuronCore",
        what="Over all nodes. Cores that differ do different work, or wait for each other.",
        queries=(Query(expression="avg by (neuroncore) (neuroncore_utilization_ratio)", legend="core {{neuroncore}}"),),
        unit="percentunit",
    ),
    Panel(
        title="Device memory in use",
        what="Of each node's Neuron devices together. A trn1.32xlarge has 512 GiB.",
        queries=(
            Query(
                expression='sum by (node) (neuron_runtime_memory_used_bytes{memory_location="neuron_device"})',
                legend="{{node}}",
            ),
        ),
        unit="bytes",
    ),
    Panel(
        title="Executions that failed",
        what="A second, by kind. Anything but zero asks for the logs.",
        queries=(
            Query(
                expression='sum by (status_type) (rate(execution_status_total{status_type!="completed"}[5m]))',
                legend="{{status_type}}",
            ),
        ),
        unit="ops",
    ),
    Panel(
        title="Host memory in use",
        what="Of the nodes with Neuron devices. Loading and compiling take it; a pod that takes too much is killed.",
        queries=(Query(expression="system_memory_used_bytes", legend="{{node}}"),),
        unit="bytes",
    ),
)
"""The run first, then what it runs on. `trainyard_…` comes from the run's exporter, the rest from neuron-monitor, whose
own `instance_id` stays empty where pods cannot reach the instance's metadata: Prometheus adds `node`."""


def dashboard() -> dict[str, Any]:
    """Grafana's model of the dashboard: two panels a row, one setting for them all, the recipe."""
    return {
        "uid": "trainyard",
        "title": "Trainyard",
        "tags": ["trainyard", "neuron"],
        "schemaVersion": 39,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {"list": [_recipe()]},
        "panels": [_panel(number, panel) for number, panel in enumerate(PANELS)],
    }


def _recipe() -> dict[str, Any]:
    return {
        "name": "recipe",
        "label": "Recipe",
        "type": "query",
        "datasource": PROMETHEUS,
        "query": "label_values(trainyard_step, recipe)",
        "refresh": 2,
        "includeAll": True,
        "multi": True,
        "current": {"text": "All", "value": "$__all"},
    }


def _panel(number: int, panel: Panel) -> dict[str, Any]:
    row, column = divmod(number, 2)
    scale = {"type": "log", "log": 10} if panel.logarithmic else {"type": "linear"}
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": panel.title,
        "description": panel.what,
        "datasource": PROMETHEUS,
        "gridPos": {"x": column * WIDTH // 2, "y": row * HEIGHT, "w": WIDTH // 2, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit, "custom": {"scaleDistribution": scale}}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": PROMETHEUS,
                "expr": one.expression,
                "legendFormat": one.legend,
            }
            for index, one in enumerate(panel.queries)
        ],
    }
