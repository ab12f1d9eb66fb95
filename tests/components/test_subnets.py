"""The address plan: what is cut from what, and what AWS would refuse."""

from ipaddress import IPv4Network
from itertools import combinations

import pytest

from components.subnets import PRIMARY, SECONDARY, SERVICES, AddressPlan, address_plan, cidr_faults

GOOD = {"primary": PRIMARY, "secondary": SECONDARY, "services": SERVICES}


def networks(plan: AddressPlan) -> list[IPv4Network]:
    return [IPv4Network(one) for one in (*plan.private, *plan.public, *plan.nodes, plan.training)]


@pytest.mark.parametrize(("primary", "secondary"), [(PRIMARY, SECONDARY), ("192.168.4.0/25", "192.168.16.0/20")])
def test_no_two_subnets_overlap_and_all_lie_in_the_vpcs_blocks(primary: str, secondary: str) -> None:
    plan = address_plan(primary, secondary)
    assert not [pair for pair in combinations(networks(plan), 2) if pair[0].overlaps(pair[1])]
    assert all(IPv4Network(one).subnet_of(IPv4Network(primary)) for one in (*plan.private, *plan.public))
    assert all(IPv4Network(one).subnet_of(IPv4Network(secondary)) for one in (*plan.nodes, plan.training))


def test_nodes_and_pods_have_the_secondary_block_and_training_half_of_it() -> None:
    plan = address_plan(PRIMARY, SECONDARY)
    assert plan.training == "100.64.0.0/17"
    assert sum(IPv4Network(one).num_addresses for one in (*plan.nodes, plan.training)) == 65536


def test_half_of_the_primary_block_is_left_for_others() -> None:
    plan = address_plan(PRIMARY, SECONDARY)
    assert sum(IPv4Network(one).num_addresses for one in (*plan.private, *plan.public)) == 1024


def test_the_smallest_blocks_that_are_allowed_give_subnets_that_aws_takes() -> None:
    smallest = {"primary": "10.0.0.0/25", "secondary": "100.64.0.0/20", "services": "172.20.0.0/24"}
    assert cidr_faults(**smallest) == {}
    plan = address_plan(smallest["primary"], smallest["secondary"])
    assert max(one.prefixlen for one in networks(plan)) <= 28


def test_the_defaults_have_no_fault() -> None:
    assert cidr_faults(**GOOD) == {}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("primary", "10.1.0.0", "too small"),
        ("primary", "10.1.0.1/21", "not an IPv4 CIDR block"),
        ("primary", "10.0.0.0/8", "too large"),
        ("primary", "10.1.0.0/26", "/16 to /25"),
        ("primary", "8.8.0.0/21", "outside the private ranges"),
        ("secondary", "100.64.0.0/21", "too small"),
        ("secondary", "10.1.0.0/16", "overlaps 10.1.0.0/21"),
        ("secondary", "192.168.0.0/16", "in 100.64.0.0/10 or 10.0.0.0/8"),
        ("services", "10.1.0.0/20", "overlaps"),
        ("services", "100.65.0.0/16", "outside"),
        ("services", "fd00::/108", "not an IPv4 CIDR block"),
    ],
)
def test_what_aws_refuses_is_told_of_the_block_at_fault_with_what_is_allowed(name: str, text: str, said: str) -> None:
    faults = cidr_faults(**{**GOOD, name: text})
    assert list(faults) == [name]
    assert said in faults[name]
    assert "Allowed: " in faults[name]


def test_every_fault_is_told_at_once() -> None:
    assert set(cidr_faults(primary="x", secondary="10.0.0.0/30", services="1.0.0.0/16")) == set(GOOD)
