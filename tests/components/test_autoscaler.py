"""The cluster-autoscaler: it scales its own cluster's groups, and takes only empty nodes away."""

import json
from typing import Any

import pytest
from pulumi_aws import eks, sqs

from components.autoscaler import Autoscaler, AutoscalerArgs, policy, scaling, values
from stacks.recorder import Recording
from tests.components.policies import statements
from tests.components.recorded import only, recorded, waits_for

ARGS: dict[str, Any] = {"cluster_name": "yard", "region": "us-west-2", "account_id": "123456789012", "runs_on": []}
POLICY = statements(policy(partition="aws", region="us-west-2", account="123456789012", cluster="yard"))


def built(**more: Any) -> Recording:
    def program() -> None:
        core = eks.PodIdentityAssociation(
            "core", cluster_name="yard", namespace="x", role_arn="arn:x", service_account="x"
        )
        scaler = Autoscaler("scaler", AutoscalerArgs(**{**ARGS, "runs_on": [core.association_id], **more}))
        sqs.Queue("work", name=scaler.release)

    return recorded(program)


def granted(action: str) -> dict[str, Any]:
    (found,) = [one for one in POLICY if action in one["Action"]]
    return found


@pytest.mark.parametrize(
    "action", ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"]
)
def test_only_groups_with_this_clusters_tag_are_scaled(action: str) -> None:
    found = granted(action)
    assert found["Condition"] == {"StringEquals": {"aws:ResourceTag/k8s.io/cluster-autoscaler/yard": "owned"}}
    assert all(arn.startswith("arn:aws:autoscaling:us-west-2:123456789012:") for arn in found["Resource"])


def test_all_that_is_allowed_everywhere_is_to_look() -> None:
    actions = [action for one in POLICY if one["Resource"] == ["*"] for action in one["Action"]]
    assert actions
    assert all(action.split(":")[1].startswith("Describe") for action in actions)


def test_the_recorded_policy_is_this_one() -> None:
    assert statements(only(built(), "RolePolicy").inputs["policy"]) == POLICY


def test_the_chart_waits_for_its_rights_and_for_nodes_to_run_on_and_outlives_what_needs_it() -> None:
    assert {"scaler-identity-association", "scaler-identity-scaling", "core", "scaler-release"} <= waits_for(
        built(), "work"
    )


def test_the_service_account_of_the_association_is_the_charts() -> None:
    recording = built()
    association = only(recording, "PodIdentityAssociation", "scaler-identity-association").inputs
    made = only(recording, "Release").inputs
    assert made["values"]["rbac"]["serviceAccount"]["name"] == association["serviceAccount"]
    assert made["namespace"] == association["namespace"] == "kube-system"
    assert made["values"]["fullnameOverride"] == "cluster-autoscaler"


def test_groups_are_found_by_the_clusters_name_in_the_region() -> None:
    made = values(AutoscalerArgs(**ARGS), "yard")
    assert made["autoDiscovery"] == {"clusterName": "yard"}
    assert made["awsRegion"] == "us-west-2"


def test_a_node_on_which_a_pod_still_works_is_never_taken_away() -> None:
    flags = scaling("7m")
    # by less than a thousandth of its vCPUs asked for, those of DaemonSets aside
    assert flags["scale-down-utilization-threshold"] <= 0.001
    assert flags["ignore-daemonsets-utilization"] is True
    assert flags["scale-down-unneeded-time"] == "7m"


def test_it_runs_on_core_nodes_without_privileges() -> None:
    made = values(AutoscalerArgs(**ARGS), "yard")
    assert made["nodeSelector"] == {"trainyard.dev/nodes": "core"}
    assert made["securityContext"]["runAsNonRoot"] is True
    assert made["containerSecurityContext"]["allowPrivilegeEscalation"] is False


def test_a_registry_of_the_users_own_has_chart_and_image() -> None:
    made = only(built(mirror="registry.example"), "Release").inputs
    assert made["chart"] == "oci://registry.example/autoscaler/cluster-autoscaler"
    assert made["values"]["image"]["repository"] == "registry.example/autoscaling/cluster-autoscaler"
    plain = only(built(), "Release").inputs
    assert json.dumps(plain["repositoryOpts"]) == '{"repo": "https://kubernetes.github.io/autoscaler"}'
