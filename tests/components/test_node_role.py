"""The role that nodes carry has four policies at most, and nothing uses it before it has them."""

import json

from pulumi_aws import iam, sqs

from components.node_role import NodeRole, NodeRoleArgs, policy_arns, trust
from tests.components.recorded import all_of, recorded, waits_for

ALLOWED = {
    "AmazonEKSWorkerNodePolicy",
    "AmazonEC2ContainerRegistryPullOnly",
    "AmazonEKS_CNI_Policy",
    "AmazonSSMManagedInstanceCore",
}


def test_a_node_has_the_four_policies_that_it_needs_and_no_other() -> None:
    attached = all_of(recorded(lambda: NodeRole("role", NodeRoleArgs())), "RolePolicyAttachment")
    assert {one.inputs["policyArn"].rpartition("/")[2] for one in attached} == ALLOWED


def test_where_the_network_plugin_has_rights_of_its_own_nodes_have_none_over_the_network() -> None:
    arns = policy_arns(NodeRoleArgs(network=False)).values()
    assert {arn.rpartition("/")[2] for arn in arns} == ALLOWED - {"AmazonEKS_CNI_Policy"}


def test_another_partition_has_its_own_policies() -> None:
    assert all(
        arn.startswith("arn:aws-us-gov:iam::aws:") for arn in policy_arns(NodeRoleArgs(partition="aws-us-gov")).values()
    )


def test_only_instances_take_the_role_on() -> None:
    (statement,) = json.loads(trust())["Statement"]
    assert statement["Principal"] == {"Service": "ec2.amazonaws.com"}
    assert statement["Action"] == "sts:AssumeRole"


def test_what_uses_the_role_waits_for_its_policies_and_goes_before_them() -> None:
    def program() -> None:
        role = NodeRole("role", NodeRoleArgs())
        iam.InstanceProfile("by-name", role=role.name)
        sqs.Queue("by-arn", name=role.arn)

    recording = recorded(program)
    whole = {"role-role", "role-worker", "role-images", "role-sessions", "role-network"}
    assert waits_for(recording, "by-name") == waits_for(recording, "by-arn") == whole
