"""The VPC under the recorder: where subnets are, how they get out, what stays put, and who waits for whom."""

from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import Any

import pulumi
import pytest

from components.network import Network, NetworkArgs
from components.routes import nearest
from stacks.recorder import Recording

from .recorded import all_of, inputs, only, recorded, waits_for


def network(**changes: Any) -> Recording:
    def program() -> None:
        given = {
            "discovery": "trainyard-dev",
            "region": "us-west-2",
            "zones": ("us-west-2a", "us-west-2b"),
            "training_zone": "us-west-2d",
        }
        made = Network("net", NetworkArgs(**{**given, **changes}))
        pulumi.export("zone", made.training_zone)

    return recorded(program)


def subnets(recording: Recording) -> dict[str, Mapping[str, Any]]:
    return {name.removeprefix("net-"): one for name, one in inputs(recording, "Subnet").items()}


def test_the_control_plane_has_two_zones_and_training_exactly_one_subnet() -> None:
    made = network()
    zones = {name: one["availabilityZone"] for name, one in subnets(made).items()}
    assert {zones["private-1"], zones["private-2"]} == {"us-west-2a", "us-west-2b"}
    assert [name for name, zone in zones.items() if zone == "us-west-2d"] == ["training"]
    assert made.outputs["zone"] == "us-west-2d"


def test_no_answer_of_aws_moves_a_subnet_that_is_there() -> None:
    assert {tuple(one.request.ignoreChanges) for one in all_of(network(), "Subnet")} == {("availabilityZone",)}


def test_another_zone_to_train_in_changes_nothing_but_the_zone_of_the_subnet_for_training() -> None:
    here, there = (subnets(network(training_zone=zone)) for zone in ("us-west-2a", "us-west-2d"))
    assert [name for name in here if here[name] != there[name]] == ["training"]
    assert {**here["training"], "availabilityZone": ""} == {**there["training"], "availabilityZone": ""}


def test_subnets_in_the_secondary_block_wait_for_it() -> None:
    made = network()
    for name, one in subnets(made).items():
        secondary = IPv4Network(one["cidrBlock"]).subnet_of(IPv4Network("100.64.0.0/16"))
        assert ("net-secondary" in waits_for(made, f"net-{name}")) is secondary


def test_load_balancers_and_karpenter_find_their_subnets_by_tags() -> None:
    tags = {name: one["tags"] for name, one in subnets(network()).items()}

    def tagged(key: str, value: str) -> set[str]:
        return {name for name, one in tags.items() if one.get(key) == value}

    assert tagged("kubernetes.io/role/elb", "1") == {"public-1", "public-2"}
    assert tagged("kubernetes.io/role/internal-elb", "1") == {"private-1", "private-2"}
    assert tagged("karpenter.sh/discovery", "trainyard-dev") == {"nodes-1", "nodes-2", "training"}


def test_no_subnet_gives_instances_public_addresses() -> None:
    assert not any(one.get("mapPublicIpOnLaunch") for one in subnets(network()).values())


@pytest.mark.parametrize(("nat", "count"), [("one", 1), ("zone", 2)])
def test_there_is_one_nat_gateway_or_one_in_each_zone(nat: str, count: int) -> None:
    made = network(nat=nat)
    placed = sorted(one["subnetId"] for one in inputs(made, "NatGateway").values())
    assert placed == ["net-public-1-id", "net-public-2-id"][:count]


def routes(recording: Recording) -> dict[str, str]:
    """The route table of each subnet."""
    return {one["subnetId"]: one["routeTableId"] for one in inputs(recording, "RouteTableAssociation").values()}


def test_every_subnet_has_a_way_out_and_only_the_public_ones_the_internet_gateway() -> None:
    made = network()
    ways = routes(made)
    assert set(ways) == {f"net-{name}-id" for name in subnets(made)}
    for subnet, table in ways.items():
        (route,) = only(made, "RouteTable", table.removesuffix("-id")).inputs["routes"]
        assert ("gatewayId" in route) is ("public" in subnet)
        assert ("natGatewayId" in route) is ("public" not in subnet)


@pytest.mark.parametrize(("zone", "table"), [("us-west-2a", 1), ("us-west-2b", 2), ("us-west-2d", 1)])
def test_a_subnet_goes_out_by_its_own_zones_nat_gateway_if_there_is_one(zone: str, table: int) -> None:
    ways = routes(network(nat="zone", training_zone=zone))
    assert ways["net-training-id"] == f"net-routes-private-{table}-id"
    assert ways["net-nodes-2-id"] == ways["net-private-2-id"] == "net-routes-private-2-id"


def test_nearest_is_the_choice_in_the_zone_or_the_first() -> None:
    assert nearest("b", ["a", "b"], ["one", "two"]) == "two"
    assert nearest("c", ["a", "b"], ["one", "two"]) == "one"


def test_the_ids_for_nodes_carry_the_way_out_with_them_and_those_of_the_control_plane_do_not() -> None:
    def program() -> None:
        made = Network("net", NetworkArgs(discovery="x", region="us-west-2", zones=("a", "b"), training_zone="c"))
        for name, subnet_id in {
            "node": made.node_subnet_ids[1],
            "trainer": made.training_subnet_id,
            "storage": made.storage_subnet_id,
            "control-plane": made.control_plane_subnet_ids[0],
        }.items():
            pulumi.CustomResource("test:index:User", name, {"subnet": subnet_id})

    made = recorded(program)
    nat = "net-routes-private-1-nat"
    assert nat in waits_for(made, "node")
    assert nat in waits_for(made, "trainer")
    assert nat not in waits_for(made, "storage")
    assert nat not in waits_for(made, "control-plane")


def test_a_nat_gateway_waits_for_the_internet_gateway() -> None:
    assert "net-routes-internet" in waits_for(network(), "net-routes-private-1-nat")


def test_s3_always_has_its_gateway_endpoint_on_every_private_route_table() -> None:
    for nat, count in (("one", 1), ("zone", 2)):
        endpoint = only(network(nat=nat), "VpcEndpoint").inputs
        assert endpoint["serviceName"] == "com.amazonaws.us-west-2.s3"
        assert endpoint["vpcEndpointType"] == "Gateway"
        assert len(endpoint["routeTableIds"]) == count


def test_interface_endpoints_come_by_setting_and_take_https_from_the_vpc_alone() -> None:
    made = network(interface_endpoints=["ecr.api", "sts"])
    interfaces = [one for one in inputs(made, "VpcEndpoint").values() if one["vpcEndpointType"] == "Interface"]
    assert {one["serviceName"].rpartition("us-west-2.")[2] for one in interfaces} == {"ecr.api", "sts"}
    assert all(one["privateDnsEnabled"] for one in interfaces)
    assert {tuple(one["securityGroupIds"]) for one in interfaces} == {("net-endpoints-clients-id",)}
    rules = inputs(made, "SecurityGroupIngressRule").values()
    assert {(one["cidrIpv4"], one["fromPort"], one["toPort"], one["ipProtocol"]) for one in rules} == {
        ("10.1.0.0/21", 443, 443, "tcp"),
        ("100.64.0.0/16", 443, 443, "tcp"),
    }


def test_the_vpcs_default_security_group_has_no_rules() -> None:
    assert set(only(network(), "DefaultSecurityGroup").inputs) == {"vpcId"}


def test_nothing_lets_the_world_in() -> None:
    made = network(nat="zone", interface_endpoints=["ecr.api"])
    assert "0.0.0.0/0" not in str([one.inputs for one in made.resources if "ecurityGroup" in one.type])
