"""The cluster under the recorder, and the pure parts of it."""

import json
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks

from components.access import Access
from components.cluster import FOR_NODES, Cluster, ClusterArgs, reached, with_profile
from components.versions import DEFAULT_KUBERNETES, KUBERNETES
from stacks import recorder
from stacks.recorder import Recording

from .recorded import all_of, inputs, only, recorded, waits_for

HANDED_ON = ("arn", "certificate_authority", "endpoint", "kubeconfig", "name", "security_group_id", "version")

PINNED = KUBERNETES[DEFAULT_KUBERNETES]


def cluster(*, preview: bool = True, **changes: Any) -> Recording:
    def program() -> None:
        given: dict[str, Any] = {
            "label": "trainyard-dev",
            "version": PINNED.version,
            "addons": PINNED.addons,
            "vpc_id": "vpc-1",
            "subnet_ids": ["subnet-1", "subnet-2"],
        }
        made = Cluster("dev", ClusterArgs(**{**given, **changes}))
        for name, value in {"early": made.name, "node": made.name_for_nodes}.items():
            pulumi.CustomResource("test:index:User", name, {"cluster": value})
        pulumi.CustomResource("test:index:Object", "object", {}, pulumi.ResourceOptions(depends_on=[made.provider]))
        for name in HANDED_ON:
            pulumi.export(name, getattr(made, name))

    return recorded(program, preview=preview)


def control_plane(recording: Recording) -> Any:
    return only(recording, "eks:index:Cluster").inputs


def test_the_control_plane_is_private_unless_addresses_are_given() -> None:
    closed, opened = control_plane(cluster()), control_plane(cluster(public_access_cidrs=["198.51.100.7/32"]))
    assert closed["endpointPrivateAccess"]
    assert opened["endpointPrivateAccess"]
    assert closed["endpointPublicAccess"] is False
    assert "publicAccessCidrs" not in closed
    assert opened["endpointPublicAccess"] is True
    assert opened["publicAccessCidrs"] == ["198.51.100.7/32"]


def test_secrets_are_encrypted_by_a_key_that_rotates() -> None:
    made = cluster()
    assert "encryptionConfigKeyArn" in control_plane(made)
    assert (
        "dev-secrets" in only(made, "eks:index:Cluster").request.propertyDependencies["encryptionConfigKeyArn"].urns[0]
    )
    assert only(made, "Key").inputs["enableKeyRotation"] is True


def test_all_logs_of_the_control_plane_are_kept_for_a_time_in_a_group_that_is_there_first() -> None:
    made = cluster(log_days=7)
    assert set(control_plane(made)["enabledClusterLogTypes"]) == {
        "api",
        "audit",
        "authenticator",
        "controllerManager",
        "scheduler",
    }
    assert only(made, "LogGroup").inputs["retentionInDays"] == 7
    assert "dev-logs" in waits_for(made, "dev-eks")


def test_access_is_by_entries_alone() -> None:
    made = control_plane(
        cluster(
            access={
                "ops": Access(principal_arn="arn:aws:iam::1:role/ops"),
                "team": Access(principal_arn="arn:aws:iam::1:role/team", policy="View", namespaces=["training"]),
            }
        )
    )
    assert made["authenticationMode"] == "API"
    ops, team = (made["accessEntries"][name] for name in ("ops", "team"))
    assert ops["principalArn"] == "arn:aws:iam::1:role/ops"
    assert ops["accessPolicies"]["policy"] == {
        "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
        "accessScope": {"type": "cluster"},
    }
    assert team["accessPolicies"]["policy"]["accessScope"] == {"type": "namespace", "namespaces": ["training"]}


def test_the_version_never_slips_into_paid_support() -> None:
    made = control_plane(cluster())
    assert made["version"] == PINNED.version
    assert made["upgradePolicy"] == {"supportType": "STANDARD"}


def test_pulumi_eks_makes_no_nodes_groups_or_add_ons_of_its_own() -> None:
    made = control_plane(cluster())
    assert made["skipDefaultNodeGroup"]
    assert made["skipDefaultSecurityGroups"]
    assert made["useDefaultVpcCni"]
    for off in ("createInstanceRole", "bootstrapSelfManagedAddons"):
        assert made[off] is False
    for options in ("kubeProxyAddonOptions", "corednsAddonOptions"):
        assert made[options]["enabled"] is False


def test_add_ons_are_pinned_and_not_preserved() -> None:
    addons = inputs(cluster(), "aws:eks/addon:Addon").values()
    assert {one["addonName"] for one in addons} == {*FOR_NODES, "eks-node-monitoring-agent"}
    for one in addons:
        assert one["addonVersion"] == PINNED.addons[one["addonName"]]
        assert one["preserve"] is False


def test_pods_get_prefixes_of_addresses_and_the_network_plugin_rights_of_its_own() -> None:
    made = cluster()
    plugin = only(made, "aws:eks/addon:Addon", "dev-vpc-cni-addon").inputs
    assert json.loads(plugin["configurationValues"])["env"]["ENABLE_PREFIX_DELEGATION"] == "true"
    assert [one["serviceAccount"] for one in plugin["podIdentityAssociations"]] == ["aws-node"]
    assert "dev-vpc-cni-rights" in waits_for(made, "dev-vpc-cni-addon")


def test_nodes_wait_for_what_they_need_and_nobody_for_the_monitoring_agent() -> None:
    made = cluster()
    needed = {f"dev-{addon}-addon" for addon in FOR_NODES}
    assert needed <= waits_for(made, "node")
    assert not needed & waits_for(made, "early")
    assert "dev-eks-node-monitoring-agent-addon" not in waits_for(made, "node")


def test_objects_in_the_cluster_wait_for_the_control_plane_alone() -> None:
    waits = waits_for(cluster(), "object")
    assert "dev-eks" in waits
    assert not [one for one in waits if one.endswith("-addon")]


KUBECONFIG: dict[str, Any] = {
    "clusters": [{"name": "kubernetes", "cluster": {"server": "https://x", "certificate-authority-data": "Q0E="}}],
    "users": [{"name": "aws", "user": {"exec": {"command": "aws", "args": ["eks", "get-token"], "env": []}}}],
    "current-context": "aws",
}


def answered(_: Any, args: mocks.MockResourceArgs) -> tuple[str, dict[Any, Any]]:
    """What AWS and pulumi_eks answer once all is made."""
    given = {
        "aws:kms/key:Key": {"keyId": "1234abcd-12ab", "arn": "arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab"},
        "eks:index:Cluster": {"kubeconfig": KUBECONFIG, "kubeconfigJson": "{}", "clusterSecurityGroupId": "sg-1"},
    }
    return f"{args.name}-id", {**args.inputs, **given.get(args.typ, {})}


def test_what_is_handed_on_comes_from_the_cluster_that_was_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder._Echo, "new_resource", answered)
    outputs = cluster(preview=False).outputs
    assert outputs == {
        "arn": "arn:aws:eks:us-west-2:111122223333:cluster/trainyard-dev-1234abcd",
        "certificate_authority": "Q0E=",
        "endpoint": "https://x",
        "kubeconfig": "{}",
        "name": "trainyard-dev-1234abcd",
        "security_group_id": "sg-1",
        "version": PINNED.version,
    }


def test_the_next_cluster_of_the_same_label_logs_to_another_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder._Echo, "new_resource", answered)
    made = cluster(preview=False)
    assert control_plane(made)["name"] == "trainyard-dev-1234abcd"
    assert only(made, "LogGroup").inputs["name"] == "/aws/eks/trainyard-dev-1234abcd/cluster"


def test_a_kubeconfig_tells_where_the_cluster_is() -> None:
    assert reached(KUBECONFIG) == {"server": "https://x", "certificate-authority-data": "Q0E="}


def test_pulumis_own_kubeconfig_asks_for_tokens_under_its_profile() -> None:
    assert json.loads(with_profile(KUBECONFIG, None)) == KUBECONFIG
    changed = json.loads(with_profile(KUBECONFIG, "training"))
    assert changed["users"][0]["user"]["exec"]["args"] == ["eks", "get-token", "--profile", "training"]
    assert changed["users"][0]["user"]["exec"]["command"] == "aws"
    assert {**changed, "users": 0} == {**KUBECONFIG, "users": 0}
    assert "--profile" not in str(KUBECONFIG)


def test_a_role_and_a_profile_reach_pulumi_eks_too() -> None:
    assert "providerCredentialOpts" not in control_plane(cluster())
    made = control_plane(cluster(profile="p", role_arn="arn:r"))
    assert made["providerCredentialOpts"] == {"profileName": "p", "roleArn": "arn:r"}


def test_the_service_range_is_the_one_that_was_checked() -> None:
    made = control_plane(cluster(service_cidr="172.21.0.0/16"))
    assert made["kubernetesServiceIpAddressRange"] == "172.21.0.0/16"


def test_one_cluster_is_made_in_the_given_subnets() -> None:
    made = cluster()
    assert len(all_of(made, "eks:index:Cluster")) == 1
    assert control_plane(made)["subnetIds"] == ["subnet-1", "subnet-2"]
