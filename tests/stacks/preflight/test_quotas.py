"""Quotas: what the stack would use, beside what others use, against what is allowed."""

from dataclasses import replace
from typing import Any

import pytest

from stacks.aws.account import Account
from stacks.groups import Reservation
from stacks.preflight.finding import Finding
from stacks.preflight.quotas import QUOTAS, is_of, quota
from stacks.preflight.wanted import Wanted
from tests.stacks.planned import planned
from tests.stacks.planted import REGION, Refused, plant
from tests.stacks.preflight.stand import allow, dev, wants
from workloads.hardware import trainium

OWN = [{"Key": "trainyard:stack", "Value": "dev"}, {"Key": "trainyard:project", "Value": "trainyard"}]

NEEDED = {
    "quota: Trainium": ("L_2C3B7624", 128),
    "quota: processors": ("L_1216C47A", 2 * 4 + 32),
    "quota: addresses": ("L_0263D0A3", 1),
    "quota: networks": ("L_F678F1CE", 2),
    "quota: storage": ("L_8F1B9C74", 1200),
}
"""The dev stack's share of each in moto's empty account, which has a VPC by default as every account has: two core
machines of 4 vCPUs, and one of 32 for a step."""


def found(name: str, account: Account, use: Wanted) -> Finding:
    (limit,) = [one for one in QUOTAS if one.check == name]
    return quota(limit, account, use)


@pytest.mark.parametrize("name", NEEDED)
def test_just_enough_is_enough(name: str, account: Account) -> None:
    code, enough = NEEDED[name]
    allow(account, **{code: enough})
    told = found(name, account, dev())
    assert told.ok, told


@pytest.mark.parametrize("name", NEEDED)
def test_one_too_few_is_wrong_and_the_command_asks_for_what_is_needed(name: str, account: Account) -> None:
    code, enough = NEEDED[name]
    allow(account, **{code: enough - 1})
    told = found(name, account, dev())
    assert not told.ok
    assert "1 too few" in told.text
    assert told.mend is not None
    assert told.mend.startswith("aws service-quotas request-service-quota-increase --service-code ")
    assert f"--quota-code {code.replace('_', '-')} --desired-value {enough} --region {REGION}" in told.mend


def test_needs_follow_the_settings() -> None:
    more = wants(planned(nodes={"instanceType": "trn1n.32xlarge", "count": 2}, network={"nat": "zone"}))
    assert (more.nodes, more.instance) == (2, trainium("trn1n.32xlarge"))
    assert more.addresses > dev().addresses
    assert wants(planned(storage={"capacity": 4800})).storage_gib == 4800
    assert wants(planned(cluster={"coreNodes": 5})).machines["m7i.xlarge"] == 5
    assert wants(planned(provisioner="managed")).machines == dev().machines


def started(account: Account, kind: str, tags: list[dict[str, str]]) -> None:
    ec2 = account.client("ec2")
    image = ec2.describe_images()["Images"][0]["ImageId"]
    given: dict[str, Any] = {"TagSpecifications": [{"ResourceType": "instance", "Tags": tags}]} if tags else {}
    ec2.run_instances(ImageId=image, InstanceType=kind, MinCount=1, MaxCount=1, **given)


def test_what_others_run_counts_and_what_is_the_stacks_own_does_not(account: Account) -> None:
    allow(account, L_2C3B7624=128 + 8)
    started(account, "trn1.32xlarge", OWN)
    assert found("quota: Trainium", account, dev()).ok
    started(account, "trn1.2xlarge", [])
    assert found("quota: Trainium", account, dev()).ok
    started(account, "trn1.2xlarge", [{"Key": "trainyard:stack", "Value": "other"}])
    assert "beside 16 in use" in found("quota: Trainium", account, dev()).text


def test_others_addresses_networks_and_storage_count(account: Account) -> None:
    allow(account, L_0263D0A3=1, L_8F1B9C74=1200)
    ec2, fsx = account.client("ec2"), account.client("fsx")
    ec2.allocate_address(Domain="vpc")
    assert "beside 1 in use" in found("quota: addresses", account, dev()).text
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    lustre = {"DeploymentType": "PERSISTENT_2", "PerUnitStorageThroughput": 125}
    common = {"FileSystemType": "LUSTRE", "SubnetIds": [subnet], "LustreConfiguration": lustre}
    fsx.create_file_system(StorageCapacity=1200, Tags=OWN, **common)
    assert found("quota: storage", account, dev()).ok
    fsx.create_file_system(StorageCapacity=2400, **common)
    assert "beside 2,400 in use" in found("quota: storage", account, dev()).text
    ec2.create_vpc(CidrBlock="10.9.0.0/16")
    assert "beside 2 in use" in found("quota: networks", account, dev()).text


def test_a_capacity_block_takes_nothing_of_the_on_demand_quota(account: Account) -> None:
    allow(account, L_2C3B7624=0)
    block = Reservation(id="cr-1", kind="capacity-block", placement_group=None)
    told = found("quota: Trainium", account, dev(reservation=block))
    assert told.ok
    assert "capacity block" in told.text
    assert not found("quota: Trainium", account, dev(reservation=replace_kind(block))).ok


def replace_kind(block: Reservation) -> Reservation:
    return block.model_copy(update={"kind": "on-demand"})


def test_an_account_without_a_value_of_its_own_has_awss_default(account: Account) -> None:
    plant(account, "service-quotas", "GetServiceQuota", Refused("NoSuchResourceException"))
    plant(account, "service-quotas", "GetAWSDefaultServiceQuota", {"Quota": {"Value": 0.0}})
    assert "of 0 allowed" in found("quota: Trainium", account, dev()).text


def test_a_small_fleet_needs_as_many_vcpus_as_it_has(account: Account) -> None:
    allow(account, L_2C3B7624=16)
    small = replace(dev(), instance=trainium("trn1.2xlarge"), nodes=2)
    assert found("quota: Trainium", account, small).ok


@pytest.mark.parametrize(
    ("kind", "standard"),
    [
        ("m7i.xlarge", True),
        ("im4gn.large", True),
        ("trn1.2xlarge", False),
        ("inf2.xlarge", False),
        ("hpc7a.96xlarge", False),
    ],
)
def test_standard_families_are_told_from_those_with_quotas_of_their_own(kind: str, standard: bool) -> None:
    assert is_of(kind, "a|c|d|h|i|im|is|m|r|t|z") == standard
