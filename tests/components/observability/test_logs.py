"""Logs: kept for as long as was said, sent by who may do nothing else."""

from typing import Any

import pulumi

from components.observability.logs import Logs, LogsArgs, rights, values
from stacks.recorder import Recording
from tests.components.policies import statements
from tests.components.recorded import all_of, only, recorded, waits_for

GROUP = "arn:aws:logs:us-west-2:123456789012:log-group:yard"


def built(**more: Any) -> Recording:
    def program() -> None:
        logs = Logs("logs", LogsArgs(cluster_name="yard", region="us-west-2", **more))
        pulumi.export("group", logs.group)

    return recorded(program)


def test_the_group_forgets_in_time_and_can_have_a_key_of_its_own() -> None:
    group = only(built(retention_days=7, kms_key="arn:key"), "LogGroup").inputs
    assert (group["retentionInDays"], group["kmsKeyId"]) == (7, "arn:key")


def test_the_agent_never_makes_a_group_that_would_outlive_the_stack() -> None:
    made = values(LogsArgs(cluster_name="yard", region="us-west-2"), "yard", "fluent-bit")
    assert made["cloudWatchLogs"]["autoCreateGroup"] is False
    assert not {action for one in statements(rights(GROUP)) for action in one["Action"]} & {"logs:CreateLogGroup"}


def test_it_may_write_into_one_group_and_read_none() -> None:
    (only_one,) = statements(rights(GROUP))
    assert only_one["Resource"] == [f"{GROUP}:*"]
    assert not [action for action in only_one["Action"] if "Get" in action or "*" in action or "Delete" in action]


def test_pods_of_every_node_send_logs_once_they_get_credentials() -> None:
    recording = built()
    chart = only(recording, "Chart").inputs["values"]
    assert chart["tolerations"] == [{"operator": "Exists"}]
    assert chart["serviceAccount"] == {"create": False, "name": "fluent-bit"}
    assert waits_for(recording, "logs-chart") >= {
        "logs-group",
        "logs-account",
        "logs-identity-association",
        "logs-identity-logs",
    }
    association = only(recording, "PodIdentityAssociation").inputs
    assert (association["namespace"], association["serviceAccount"]) == ("kube-system", "fluent-bit")
    assert only(recording, "Chart").inputs["namespace"] == "kube-system"


def test_each_container_has_a_stream_that_says_whose_it_is() -> None:
    made = values(LogsArgs(cluster_name="yard", region="us-west-2"), "yard", "fluent-bit")["cloudWatchLogs"]
    for part in ("namespace_name", "pod_name", "container_name"):
        assert f"$kubernetes['{part}']" in made["logStreamTemplate"]


def test_no_second_neuron_monitor_comes_along() -> None:
    assert {one.inputs["name"] for one in all_of(built(), "Chart")} == {"aws-for-fluent-bit"}
    assert not all_of(built(), "Addon")


def test_with_a_mirror_the_agent_comes_from_it() -> None:
    args = LogsArgs(cluster_name="yard", region="us-west-2", mirror="registry.example")
    assert values(args, "yard", "x")["image"]["repository"] == ("registry.example/aws-observability/aws-for-fluent-bit")
