"""The add-ons that need nodes: when they come, where they run, what they may do."""

import json
from typing import Any

import pulumi

from components.addons import Addons, AddonsArgs, configuration
from components.versions import DEFAULT_KUBERNETES, KUBERNETES
from stacks.recorder import Recording

from .recorded import all_of, inputs, only, recorded, waits_for

VERSIONS = KUBERNETES[DEFAULT_KUBERNETES].addons
CORE = {"trainyard/nodes": "core"}


def addons() -> Recording:
    def program() -> None:
        nodes = pulumi.CustomResource("test:index:Nodes", "core-nodes", {})
        made = Addons(
            "dev",
            AddonsArgs(cluster_name="dev-1", versions=VERSIONS, nodes=nodes.urn, node_selector=CORE),
        )
        pulumi.CustomResource("test:index:User", "claims", {"class": made.storage_class})
        pulumi.CustomResource("test:index:User", "mounts", {}, pulumi.ResourceOptions(depends_on=[made.lustre]))

    return recorded(program)


def made() -> dict[str, Any]:
    return {one["addonName"]: one for one in inputs(addons(), "aws:eks/addon:Addon").values()}


def test_dns_both_drivers_and_metrics_are_there_at_their_pinned_versions_and_not_preserved() -> None:
    found = made()
    assert set(found) == {"coredns", "aws-ebs-csi-driver", "aws-fsx-csi-driver", "metrics-server"}
    assert {name: one["addonVersion"] for name, one in found.items()} == {name: VERSIONS[name] for name in found}
    assert not any(one["preserve"] for one in found.values())


def test_they_wait_for_nodes_and_their_roles_do_not() -> None:
    recording = addons()
    for one in all_of(recording, "aws:eks/addon:Addon"):
        assert "core-nodes" in waits_for(recording, one.name)
    for one in [*all_of(recording, "Role"), *all_of(recording, "RolePolicy")]:
        assert "core-nodes" not in waits_for(recording, one.name)


def test_controllers_stay_on_the_core_nodes_and_drivers_pods_go_everywhere() -> None:
    values = {name: json.loads(one["configurationValues"]) for name, one in made().items()}
    assert values["coredns"] == values["metrics-server"] == {"nodeSelector": CORE}
    for driver in ("aws-ebs-csi-driver", "aws-fsx-csi-driver"):
        assert values[driver] == {"controller": {"nodeSelector": CORE}}


def test_without_a_selector_nothing_is_configured() -> None:
    assert configuration("coredns", {}) == configuration("aws-fsx-csi-driver", {}) == {}


def test_drivers_have_their_rights_by_pod_identity_before_they_run() -> None:
    recording = addons()
    for driver, account in {
        "aws-ebs-csi-driver": "ebs-csi-controller-sa",
        "aws-fsx-csi-driver": "fsx-csi-controller-sa",
    }.items():
        one = only(recording, "aws:eks/addon:Addon", f"dev-{driver}-addon")
        assert [pair["serviceAccount"] for pair in one.inputs["podIdentityAssociations"]] == [account]
    assert "dev-aws-ebs-csi-driver-rights" in waits_for(recording, "dev-aws-ebs-csi-driver-addon")
    assert "dev-aws-fsx-csi-driver-policy" in waits_for(recording, "dev-aws-fsx-csi-driver-addon")


def test_only_pods_can_take_on_the_roles() -> None:
    for role in inputs(addons(), "Role").values():
        (statement,) = json.loads(role["assumeRolePolicy"])["Statement"]
        assert statement["Principal"] == {"Service": "pods.eks.amazonaws.com"}
        assert set(statement["Action"]) == {"sts:AssumeRole", "sts:TagSession"}


def test_the_lustre_driver_can_look_at_file_systems_and_do_nothing_to_them() -> None:
    (statement,) = json.loads(only(addons(), "RolePolicy").inputs["policy"])["Statement"]
    assert statement["Action"] == "fsx:DescribeFileSystems"
    assert statement["Resource"] != "*"


def test_the_default_storage_class_is_encrypted_and_known_once_its_driver_is_there() -> None:
    recording = addons()
    one = only(recording, "StorageClass").inputs
    assert one["parameters"] == {"type": "gp3", "encrypted": "true"}
    assert one["metadata"]["annotations"] == {"storageclass.kubernetes.io/is-default-class": "true"}
    assert "dev-aws-ebs-csi-driver-addon" in waits_for(recording, "claims")


def test_who_mounts_the_shared_volume_can_wait_for_its_driver_alone() -> None:
    waits = waits_for(addons(), "mounts")
    assert "dev-aws-fsx-csi-driver-addon" in waits
    assert "dev-coredns-addon" not in waits
