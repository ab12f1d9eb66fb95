"""The doubles of pulumi-aws: what they hold inputs against, what they make, refuse and answer, without an engine."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from pulumi.runtime import rpc
from pulumi.runtime.proto import provider_pb2

from .doubles.aws import Aws
from .doubles.aws_answers import TRAINIUM_ZONE
from .doubles.provider import UNKNOWN, ProviderError, marshal, reveal, unmarshal

VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"
GATEWAY = "aws:ec2/natGateway:NatGateway"
INTERNET = "aws:ec2/internetGateway:InternetGateway"
LUSTRE = "aws:fsx/lustreFileSystem:LustreFileSystem"
ROLE = "aws:iam/role:Role"
BUCKET = "aws:s3/bucket:Bucket"
GROUP = "aws:eks/nodeGroup:NodeGroup"
ENTRY = "aws:eks/accessEntry:AccessEntry"
CLUSTER = "aws:eks/cluster:Cluster"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"


class Account:
    """The double, called without an engine."""

    def __init__(self) -> None:
        self.aws = Aws()
        self._context: Any = SimpleNamespace(peer=lambda: "")

    def check(self, token: str, resource: str = "one", old: Mapping[str, Any] | None = None, **inputs: Any) -> Any:
        request = provider_pb2.CheckRequest(type=token, name=resource, olds=marshal(old or {}), news=marshal(inputs))
        return self.aws.Check(request, self._context)

    def wrong(self, token: str, **inputs: Any) -> dict[str, str]:
        return {one.property: one.reason for one in self.check(token, **inputs).failures}

    def create(self, token: str, resource: str = "one", *, preview: bool = False, **inputs: Any) -> tuple[str, Any]:
        checked = self.check(token, resource, **inputs)
        assert not checked.failures
        request = provider_pb2.CreateRequest(type=token, name=resource, properties=checked.inputs, preview=preview)
        made = self.aws.Create(request, self._context)
        return made.id, unmarshal(made.properties)

    def update(self, token: str, id_: str, **inputs: Any) -> dict[str, Any]:
        checked = self.check(token, **inputs)
        request = provider_pb2.UpdateRequest(type=token, id=id_, news=checked.inputs)
        return unmarshal(self.aws.Update(request, self._context).properties)

    def diff(self, token: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Any:
        request = provider_pb2.DiffRequest(type=token, old_inputs=marshal(old), news=marshal(new))
        return self.aws.Diff(request, self._context)

    def delete(self, token: str, id_: str) -> None:
        self.aws.Delete(provider_pb2.DeleteRequest(type=token, id=id_), self._context)

    def ask(self, token: str, **arguments: Any) -> Any:
        answer = self.aws.Invoke(provider_pb2.InvokeRequest(tok=token, args=marshal(arguments)), self._context)
        return unmarshal(getattr(answer, "return")) or {one.property for one in answer.failures}

    def subnets(self, zones: str = "ab") -> tuple[str, list[str]]:
        """A VPC with a subnet in each zone."""
        vpc, _ = self.create(VPC, cidrBlock="10.1.0.0/21")
        blocks = {zone: f"10.1.{number}.0/24" for number, zone in enumerate(zones)}
        return vpc, [
            self.create(SUBNET, vpcId=vpc, cidrBlock=block, availabilityZone=f"us-west-2{zone}")[0]
            for zone, block in blocks.items()
        ]

    def cluster(self) -> tuple[str, str, list[str]]:
        """A cluster and a role, and the subnets."""
        _, subnets = self.subnets()
        _, role = self.create(ROLE, "control", assumeRolePolicy="{}")
        name, _ = self.create(CLUSTER, roleArn=role["arn"], vpcConfig={"subnetIds": subnets})
        return name, role["arn"], subnets


@pytest.fixture
def account() -> Account:
    return Account()


# --- inputs against the SDK's declarations


def test_an_unknown_property_is_refused_by_its_path(account: Account) -> None:
    assert set(account.wrong(SUBNET, vpcId="vpc-1", cidr="10.0.0.0/24")) == {"cidr"}
    scaling = {"minSize": 0, "maxSize": 1, "desiredSize": 0, "size": 3}
    found = account.wrong(GROUP, clusterName="c", nodeRoleArn="r", subnetIds=["s"], scalingConfig=scaling)
    assert set(found) == {"scalingConfig.size"}


def test_a_wrong_type_is_refused_however_deep_it_is(account: Account) -> None:
    assert "expected a string, got list" in account.wrong(LUSTRE, subnetIds=["subnet-1"])["subnetIds"]
    cards = [{"deviceIndex": 0}, {"deviceIndex": "1"}]
    assert set(account.wrong(TEMPLATE, networkInterfaces=cards)) == {"networkInterfaces[1].deviceIndex"}
    assert set(account.wrong(VPC, cidrBlock="10.1.0.0/21", enableDnsSupport="yes")) == {"enableDnsSupport"}


def test_a_missing_property_is_told(account: Account) -> None:
    assert account.wrong(SUBNET, cidrBlock="10.0.0.0/24") == {"vpcId": "is required and missing"}
    found = account.wrong(GROUP, clusterName="c", nodeRoleArn="r", subnetIds=[], scalingConfig={"minSize": 1})
    assert set(found) == {"scalingConfig.maxSize", "scalingConfig.desiredSize"}


def test_unknown_values_and_secrets_pass(account: Account) -> None:
    assert account.wrong(SUBNET, vpcId=UNKNOWN, tags=UNKNOWN, cidrBlock=rpc.wrap_rpc_secret("10.0.0.0/24")) == {}
    assert account.wrong(GROUP, clusterName="c", nodeRoleArn="r", subnetIds=["s", UNKNOWN], scalingConfig=UNKNOWN) == {}


def test_a_type_that_the_sdk_has_not_is_told(account: Account) -> None:
    with pytest.raises(ProviderError, match="declares no resource aws:ec2/subnett:Subnett"):
        account.check("aws:ec2/subnett:Subnett")


# --- what is made


def test_a_preview_knows_the_inputs_and_that_there_will_be_more(account: Account) -> None:
    _, foreseen = account.create(VPC, preview=True, cidrBlock="10.1.0.0/21")
    assert foreseen["cidrBlock"] == "10.1.0.0/21"
    assert foreseen["arn"] == foreseen["defaultSecurityGroupId"] == UNKNOWN
    assert account.aws.world.all() == []


def test_a_secret_input_is_a_secret_output(account: Account) -> None:
    _, made = account.create(ROLE, assumeRolePolicy=rpc.wrap_rpc_secret("{}"))
    assert rpc.is_rpc_secret(made["assumeRolePolicy"])
    assert reveal(made["arn"]).startswith("arn:aws:iam::123456789012:role/one-")


def test_a_made_up_name_stays_and_is_told_from_a_given_one(account: Account) -> None:
    first = unmarshal(account.check(BUCKET, "Results").inputs)
    assert first["bucket"].startswith("results-")
    assert unmarshal(account.check(BUCKET, "Results", old=first).inputs) == first
    assert unmarshal(account.check(BUCKET, "Results", bucket="mine").inputs) == {"bucket": "mine"}
    with pytest.raises(ProviderError, match="longer than maximum length 64"):
        account.check(ROLE, "r" * 60, assumeRolePolicy="{}")


def test_what_cannot_change_is_replaced_and_what_has_a_name_of_its_own_goes_first(account: Account) -> None:
    moved = account.diff(SUBNET, {"vpcId": "v", "cidrBlock": "a"}, {"vpcId": "v", "cidrBlock": "b"})
    assert list(moved.replaces) == ["cidrBlock"]
    tagged = account.diff(SUBNET, {"vpcId": "v"}, {"vpcId": "v", "tags": {"a": "b"}})
    assert (list(tagged.replaces), tagged.changes) == ([], provider_pb2.DiffResponse.DIFF_SOME)
    for noted, first in ({}, True), ({"__defaults": ["name"]}, False):
        old = {"name": "a", "path": "/", **noted}
        assert account.diff(ROLE, old, {**old, "path": "/x/"}).deleteBeforeReplace is first
    for size, replaced in (1200, True), (4800, False):
        assert bool(account.diff(LUSTRE, {"storageCapacity": 2400}, {"storageCapacity": size}).replaces) is replaced


def test_each_change_of_a_launch_template_is_a_new_version(account: Account) -> None:
    id_, made = account.create(TEMPLATE, name="mine")
    changed = account.update(TEMPLATE, id_, name="mine", instanceType="trn1.2xlarge")
    assert (made["latestVersion"], changed["latestVersion"]) == (1, 2)
    assert changed["arn"] == made["arn"]


# --- what exists


def test_what_is_named_has_to_exist(account: Account) -> None:
    with pytest.raises(ProviderError, match=r"vpcId: the ec2\.Vpc 'vpc-1' does not exist"):
        account.create(SUBNET, vpcId="vpc-1", cidrBlock="10.0.0.0/24")


def test_names_are_taken_once(account: Account) -> None:
    account.create(BUCKET, bucket="mine")
    account.create(ROLE, name="mine", assumeRolePolicy="{}")
    with pytest.raises(ProviderError, match="AlreadyExists"):
        account.create(BUCKET, bucket="mine")
    with pytest.raises(ProviderError, match="AlreadyExists"):
        account.create(ROLE, name="mine", assumeRolePolicy="{}")


def test_subnets_lie_in_their_vpc_and_beside_each_other(account: Account) -> None:
    vpc, _ = account.subnets()
    with pytest.raises(ProviderError, match="Conflict"):
        account.create(SUBNET, vpcId=vpc, cidrBlock="10.1.1.128/25")
    with pytest.raises(ProviderError, match="Range"):
        account.create(SUBNET, vpcId=vpc, cidrBlock="100.64.0.0/17")


def test_a_control_plane_wants_two_zones(account: Account) -> None:
    _, subnets = account.subnets("a")
    _, role = account.create(ROLE, assumeRolePolicy="{}")
    with pytest.raises(ProviderError, match="two different AZs"):
        account.create(CLUSTER, roleArn=role["arn"], vpcConfig={"subnetIds": subnets})


def test_eks_lets_the_nodes_of_a_group_in_and_refuses_a_second_entry(account: Account) -> None:
    cluster, role, subnets = account.cluster()
    size = {"minSize": 0, "maxSize": 1, "desiredSize": 0}
    account.create(GROUP, clusterName=cluster, nodeRoleArn=role, subnetIds=subnets, scalingConfig=size)
    with pytest.raises(ProviderError, match=r"AlreadyExists: there is a eks\.AccessEntry"):
        account.create(ENTRY, clusterName=cluster, principalArn=role)


# --- what is in use


def test_a_subnet_stays_while_something_is_in_it(account: Account) -> None:
    vpc, (subnet, _) = account.subnets()
    lustre, _ = account.create(LUSTRE, subnetIds=subnet)
    with pytest.raises(ProviderError, match=r"DependencyViolation: .* in use by fsx\.LustreFileSystem"):
        account.delete(SUBNET, subnet)
    with pytest.raises(ProviderError, match=r"DependencyViolation: .* in use by ec2\.Subnet"):
        account.delete(VPC, vpc)
    account.delete(LUSTRE, lustre)
    account.delete(SUBNET, subnet)
    assert [one.id for one in account.aws.world.events("delete")] == [lustre, subnet]


def test_an_internet_gateway_stays_while_an_address_is_behind_it(account: Account) -> None:
    vpc, (subnet, _) = account.subnets()
    with pytest.raises(ProviderError, match="no Internet gateway"):
        account.create(GATEWAY, subnetId=subnet)
    internet, _ = account.create(INTERNET, vpcId=vpc)
    account.create(GATEWAY, subnetId=subnet)
    with pytest.raises(ProviderError, match="mapped public address"):
        account.delete(INTERNET, internet)


def test_a_cluster_stays_while_it_has_node_groups_and_takes_its_entries_along(account: Account) -> None:
    cluster, role, subnets = account.cluster()
    size = {"minSize": 0, "maxSize": 1, "desiredSize": 0}
    group, _ = account.create(GROUP, clusterName=cluster, nodeRoleArn=role, subnetIds=subnets, scalingConfig=size)
    account.create(ENTRY, clusterName=cluster, principalArn="arn:aws:iam::999999999999:role/elsewhere")
    with pytest.raises(ProviderError, match=r"in use by eks\.NodeGroup"):
        account.delete(CLUSTER, cluster)
    account.delete(GROUP, group)
    account.delete(CLUSTER, cluster)
    assert not {one.kind for one in account.aws.world.all()} & {"eks.AccessEntry", "autoscaling.Group"}


@pytest.mark.parametrize("forced", [False, True])
def test_a_bucket_with_something_in_it_goes_by_force_alone(account: Account, forced: bool) -> None:
    bucket, _ = account.create(BUCKET, forceDestroy=forced)
    account.aws.world.contents[bucket] = ["model.safetensors"]
    if not forced:
        with pytest.raises(ProviderError, match="not empty"):
            account.delete(BUCKET, bucket)
        del account.aws.world.contents[bucket]
    account.delete(BUCKET, bucket)
    assert account.aws.world.made() == []


def test_faults_happen_as_often_as_they_are_asked_for(account: Account) -> None:
    account.aws.world.fail("ec2.Vpc", "VpcLimitExceeded", times=2)
    for _ in range(2):
        with pytest.raises(ProviderError, match="VpcLimitExceeded"):
            account.create(VPC, cidrBlock="10.1.0.0/21")
    account.create(VPC, cidrBlock="10.1.0.0/21")


# --- what AWS says


def test_aws_says_where_a_type_is_offered_and_tests_can_change_it(account: Account) -> None:
    offerings = "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings"
    asked = {"locationType": "availability-zone", "filters": [{"name": "instance-type", "values": ["trn1.32xlarge"]}]}
    assert account.ask(offerings, **asked)["locations"] == [TRAINIUM_ZONE]
    account.aws.answers.offers["trn1.32xlarge"] = ()
    assert account.ask(offerings, **asked)["locations"] == []
    assert account.ask(offerings, **{**asked, "location": "x"}) == {"location"}


def test_aws_says_who_and_where_one_is(account: Account) -> None:
    assert account.ask("aws:index/getCallerIdentity:getCallerIdentity")["accountId"] == "123456789012"
    zones = account.ask("aws:index/getAvailabilityZones:getAvailabilityZones", state="available")
    assert zones["zoneIds"][zones["names"].index(TRAINIUM_ZONE)] == "usw2-az4"
    account.aws.answers.others["getPartition"] = {"partition": "aws-cn"}
    assert account.ask("aws:index/getPartition:getPartition")["partition"] == "aws-cn"
    with pytest.raises(ProviderError, match="couldn't find"):
        account.ask("aws:s3/getBucket:getBucket", bucket="nobodys")
    with pytest.raises(ProviderError, match="no answer to getVpc"):
        account.ask("aws:ec2/getVpc:getVpc")
