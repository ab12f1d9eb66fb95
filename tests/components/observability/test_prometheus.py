"""Prometheus and Grafana: open to nobody who was not let in, and with no password anywhere in the program."""

import json
from typing import Any

import pulumi

from components.observability.prometheus import LoadBalancer, Prometheus, PrometheusArgs, values
from stacks.recorder import Recording
from tests.components.recorded import all_of, only, recorded, waits_for

BALANCER = LoadBalancer(certificate_arn="arn:certificate", cidrs=["198.51.100.7/32"])


def built(**more: Any) -> Recording:
    def program() -> None:
        prometheus = Prometheus("prometheus", PrometheusArgs(**more))
        for name in ("release", "forward", "password"):
            pulumi.export(name, getattr(prometheus, name))

    return recorded(program)


def spec(**more: Any) -> dict[str, Any]:
    return values(PrometheusArgs(**more))["prometheus"]["prometheusSpec"]


def test_helm_itself_installs_it_since_hooks_make_its_certificates() -> None:
    release = only(built(), "kubernetes:helm.sh/v3:Release").inputs
    assert release["chart"].endswith("/kube-prometheus-stack")
    assert release["namespace"] == "monitoring"


def test_no_password_is_in_any_request_and_the_output_is_how_to_read_it() -> None:
    recording = built(load_balancer=BALANCER)
    said = json.dumps([dict(one.inputs) for one in recording.resources])
    assert "adminPassword" not in said
    assert not all_of(recording, "Secret")
    assert "get secret kube-prometheus-stack-grafana" in recording.outputs["password"]


def test_unless_asked_for_grafana_has_no_address_of_its_own() -> None:
    recording = built()
    assert not all_of(recording, "Service")
    assert "service" not in values(PrometheusArgs())["grafana"]
    assert recording.outputs["forward"].endswith("port-forward service/kube-prometheus-stack-grafana 3000:80")


def test_a_load_balancer_takes_tls_alone_from_those_it_names() -> None:
    service = only(built(load_balancer=BALANCER), "Service").inputs
    assert service["spec"]["loadBalancerSourceRanges"] == BALANCER.cidrs
    (port,) = service["spec"]["ports"]
    assert port["port"] == 443
    annotations = service["metadata"]["annotations"]
    prefix = "service.beta.kubernetes.io/aws-load-balancer-ssl"
    assert annotations[f"{prefix}-cert"] == "arn:certificate"
    assert annotations[f"{prefix}-ports"] == port["name"]


def test_it_reads_the_monitors_of_every_namespace() -> None:
    for kind in ("podMonitor", "serviceMonitor"):
        assert spec()[f"{kind}SelectorNilUsesHelmValues"] is False


def test_no_volume_outlives_it() -> None:
    assert spec()["storageSpec"] == {"emptyDir": {"sizeLimit": "20Gi"}}
    kept = spec(storage_class="gp3")
    assert kept["storageSpec"]["volumeClaimTemplate"]["spec"]["storageClassName"] == "gp3"
    assert kept["persistentVolumeClaimRetentionPolicy"]["whenDeleted"] == "Delete"


def test_metrics_are_dropped_before_their_volume_is_full() -> None:
    assert spec(storage_gib=50)["retentionSize"] == "45GiB"


def test_what_eks_hides_is_not_looked_for_and_nobody_is_paged() -> None:
    made = values(PrometheusArgs())
    hidden = ("kubeControllerManager", "kubeScheduler", "kubeEtcd", "kubeProxy", "alertmanager")
    assert all(made[one] == {"enabled": False} for one in hidden)


def test_whatever_moves_stays_on_the_nodes_that_are_named() -> None:
    core = {"role": "core"}
    made = values(PrometheusArgs(node_selector=core))
    operator = made["prometheusOperator"]
    parts = [operator, operator["admissionWebhooks"]["patch"], made["prometheus"]["prometheusSpec"], made["grafana"]]
    assert all(one["nodeSelector"] == core for one in [*parts, made["kube-state-metrics"]])


def test_grafana_finds_the_dashboard_by_its_label() -> None:
    board = only(built(), "ConfigMap").inputs
    assert board["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert json.loads(board["data"]["trainyard.json"])["title"] == "Trainyard"


def test_who_needs_its_kinds_waits_for_the_release() -> None:
    recording = built()
    assert recording.outputs["release"] == "kube-prometheus-stack"
    assert "prometheus-namespace" in waits_for(recording, "prometheus-chart")


def test_with_a_mirror_all_images_come_from_it() -> None:
    assert values(PrometheusArgs(mirror="registry.example"))["global"]["imageRegistry"] == "registry.example"
    assert values(PrometheusArgs())["global"]["imageRegistry"] == ""
