"""The runs' own numbers: read from the shared volume, which stays as it is."""

from typing import Any

from components.observability.prometheus import Prometheus, PrometheusArgs
from components.observability.run_metrics import RunMetrics, RunMetricsArgs
from components.step import Bundle
from stacks.recorder import Recording
from tests.components.recorded import only, recorded, waits_for

BUNDLE = Bundle(name="program-exporter-0", file="program.zip", content="")


def built() -> Recording:
    def program() -> None:
        prometheus = Prometheus("prometheus", PrometheusArgs())
        args = RunMetricsArgs(
            namespace="training",
            claim="shared",
            bundle=BUNDLE,
            module="programs.exporter",
            image="python:3",
            release=prometheus.release,
            node_selector={"role": "core"},
        )
        RunMetrics("run-metrics", args)

    return recorded(program)


def template(recording: Recording) -> dict[str, Any]:
    return only(recording, "Deployment").inputs["spec"]["template"]


def test_it_can_read_the_shared_volume_and_write_nowhere() -> None:
    spec = template(built())["spec"]
    (container,) = spec["containers"]
    assert all(one["readOnly"] for one in container["volumeMounts"])
    assert spec["volumes"][0]["persistentVolumeClaim"] == {"claimName": "shared", "readOnly": True}
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert (spec["securityContext"]["runAsNonRoot"], spec["automountServiceAccountToken"]) == (True, False)


def test_it_runs_the_program_from_its_bundle() -> None:
    recording = built()
    spec = template(recording)["spec"]
    (container,) = spec["containers"]
    assert container["command"] == ["python3", "-m", "programs.exporter"]
    assert {"name": "PYTHONPATH", "value": "/trainyard/program/program.zip"} in container["env"]
    assert spec["volumes"][1]["configMap"]["name"] == BUNDLE.name
    assert "run-metrics-program" in waits_for(recording, "run-metrics-deployment")


def test_prometheus_reads_just_this_pod_at_the_port_it_listens_on() -> None:
    recording = built()
    monitor, pods = only(recording, "PodMonitor").inputs, template(recording)
    assert monitor["spec"]["selector"]["matchLabels"].items() <= pods["metadata"]["labels"].items()
    (container,) = pods["spec"]["containers"]
    (port,) = container["ports"]
    assert monitor["spec"]["podMetricsEndpoints"][0]["port"] == port["name"]
    assert f"--port={port['containerPort']:g}" in container["args"]
    assert "prometheus-chart" in waits_for(recording, "run-metrics-monitor")


def test_it_stays_on_the_nodes_that_are_named() -> None:
    assert template(built())["spec"]["nodeSelector"] == {"role": "core"}
