"""neuron-monitor: one on each node with Neuron devices, and Prometheus reads it."""

from typing import Any

from components.observability.neuron_monitor import NeuronMonitor, NeuronMonitorArgs, monitor_config
from components.observability.prometheus import Prometheus, PrometheusArgs
from stacks.recorder import Recording
from tests.components.recorded import only, recorded, waits_for

TYPES = ["trn1.32xlarge", "trn2.48xlarge"]


def built() -> Recording:
    def program() -> None:
        prometheus = Prometheus("prometheus", PrometheusArgs())
        NeuronMonitor("neuron-monitor", NeuronMonitorArgs(instance_types=TYPES, release=prometheus.release))

    return recorded(program)


def template(recording: Recording) -> dict[str, Any]:
    return only(recording, "DaemonSet").inputs["spec"]["template"]


def test_it_runs_on_nodes_of_the_named_types_alone_whatever_their_taints() -> None:
    spec = template(built())["spec"]
    affinity = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    (term,) = affinity["nodeSelectorTerms"]
    assert term["matchExpressions"] == [
        {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": TYPES},
    ]
    assert spec["tolerations"] == [{"operator": "Exists"}]


def test_it_takes_no_device_away_from_a_step() -> None:
    (container,) = template(built())["spec"]["containers"]
    assert not [one for one in container["resources"]["limits"] if "neuron" in one]


def test_prometheus_reads_just_these_pods_at_the_port_they_listen_on() -> None:
    recording = built()
    monitor, pods = only(recording, "PodMonitor").inputs, template(recording)
    assert monitor["spec"]["selector"]["matchLabels"].items() <= pods["metadata"]["labels"].items()
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    (container,) = pods["spec"]["containers"]
    assert endpoint["port"] == container["ports"][0]["name"]
    assert f"{container['ports'][0]['containerPort']:g}" in container["args"]
    assert monitor["metadata"]["namespace"] == only(recording, "DaemonSet").inputs["metadata"]["namespace"]


def test_every_number_says_which_node_it_is_of() -> None:
    (endpoint,) = only(built(), "PodMonitor").inputs["spec"]["podMetricsEndpoints"]
    assert endpoint["relabelings"] == [
        {"sourceLabels": ["__meta_kubernetes_pod_node_name"], "targetLabel": "node"},
    ]


def test_the_monitor_waits_for_its_kind_and_the_pods_do_not() -> None:
    recording = built()
    assert only(recording, "PodMonitor").inputs["metadata"]["labels"]["release"] == "kube-prometheus-stack"
    assert "prometheus-chart" in waits_for(recording, "neuron-monitor-monitor")
    assert "prometheus-chart" not in waits_for(recording, "neuron-monitor-daemons")


def test_what_the_dashboard_shows_is_measured() -> None:
    (runtime,) = monitor_config()["neuron_runtimes"]
    measured = {one["type"] for one in [*runtime["metrics"], *monitor_config()["system_metrics"]]}
    assert measured >= {"neuroncore_counters", "memory_used", "execution_stats", "memory_info"}


def test_its_pod_finds_its_configuration() -> None:
    recording = built()
    spec = template(recording)["spec"]
    (container,) = spec["containers"]
    (mount,) = container["volumeMounts"]
    config = only(recording, "ConfigMap", "neuron-monitor-config").inputs
    (file,) = config["data"]
    assert f"{mount['mountPath']}/{file}" in container["args"]
    assert spec["volumes"][0]["configMap"]["name"] == config["metadata"]["name"]
