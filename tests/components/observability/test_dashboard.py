"""The run's dashboard asks only for what somebody offers."""

import json
import re
from itertools import combinations
from typing import Any

from components.observability.dashboard import WIDTH, dashboard
from workloads.programs.exporter import METRICS

OF_NEURON_MONITOR = {
    "neuroncore_utilization_ratio",
    "neuron_runtime_memory_used_bytes",
    "execution_status_total",
    "system_memory_used_bytes",
}
"""Names that the Neuron documentation's own dashboard uses."""


def panels() -> list[dict[str, Any]]:
    return dashboard()["panels"]


def expressions() -> list[str]:
    return [target["expr"] for panel in panels() for target in panel["targets"]]


def metrics() -> set[str]:
    return {name for one in expressions() for name in re.findall(r"\b[a-z]+_[a-z_]+\b(?=[{)\s]|$)", one)}


def test_every_metric_is_one_that_an_exporter_offers() -> None:
    labels = {"memory_location", "status_type", "neuron_device"}
    assert metrics() - labels <= OF_NEURON_MONITOR | {metric.name for metric in METRICS}


def test_it_shows_the_run_and_what_it_runs_on() -> None:
    wanted = {"trainyard_loss", "trainyard_tokens_per_second", "neuroncore_utilization_ratio"}
    assert metrics() >= wanted | {"neuron_runtime_memory_used_bytes"}
    assert any('memory_location="neuron_device"' in one for one in expressions())


def test_no_two_panels_share_a_place_or_an_id() -> None:
    assert len({panel["id"] for panel in panels()}) == len(panels())
    for one, other in combinations([panel["gridPos"] for panel in panels()], 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        assert beside or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= WIDTH for panel in panels())


def test_every_panel_says_what_to_read_from_it_and_from_where() -> None:
    for panel in panels():
        assert panel["description"].endswith(".")
        assert panel["datasource"]["uid"] == "prometheus"


def test_the_same_dashboard_is_the_same_text() -> None:
    assert json.dumps(dashboard(), sort_keys=True) == json.dumps(dashboard(), sort_keys=True)
