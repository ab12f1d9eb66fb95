"""Leftovers: each kind is found by what its maker tags it with, with its price and the command that removes it."""

import shlex

import pytest

from stacks.aws.account import Account, Patience
from stacks.aws.owner import Owner
from stacks.leftovers.leftover import Leftover
from stacks.leftovers.search import Searched, kinds, search
from tests.stacks.leftovers.plants import CLUSTER, GROWN, PLANTS, STACK, alias, instance, volume
from tests.stacks.planted import Refused, plant

DEV = Owner("dev")


def look(account: Account, kind: str) -> list[Leftover]:
    """What is found of one kind alone."""
    return kinds(keep=False)[kind](account, DEV)


def test_every_kind_that_is_looked_for_is_planted_here() -> None:
    assert list(PLANTS) == list(kinds(keep=True))


@pytest.mark.parametrize("kind", PLANTS)
def test_one_that_is_the_stacks_is_found_with_its_price_and_what_removes_it(kind: str, account: Account) -> None:
    put, tags, daily = PLANTS[kind]
    known = put(account, tags)
    (found,) = look(account, kind)
    assert found.id == known
    assert found.dollars_a_day == (None if daily is None else pytest.approx(daily))
    for command in found.command.split(" && "):
        words = shlex.split(command)
        assert words[0] == "aws"
        assert words[-2:] == ["--region", "us-west-2"]


@pytest.mark.parametrize("kind", PLANTS)
def test_one_that_is_somebody_elses_is_not(kind: str, account: Account) -> None:
    PLANTS[kind][0](account, {})
    assert look(account, kind) == []


@pytest.mark.parametrize("kind", [kind for kind, (_, tags, _) in PLANTS.items() if tags == STACK and kind != "cluster"])
def test_one_of_another_stack_is_not(kind: str, account: Account) -> None:
    PLANTS[kind][0](account, {**STACK, "trainyard:stack": "dev-2"})
    assert look(account, kind) == []


@pytest.mark.parametrize("kind", [kind for kind, (_, tags, _) in PLANTS.items() if tags == GROWN])
def test_one_of_another_stacks_cluster_is_not(kind: str, account: Account) -> None:
    PLANTS[kind][0](account, {"kubernetes.io/cluster/trainyard-dev-2-0a1b2c3d": "owned"})
    assert look(account, kind) == []


def test_an_empty_account_holds_no_leftover_and_every_kind_could_be_looked_for(account: Account) -> None:
    assert search(account, DEV) == Searched((), (), ())


def test_a_machine_that_is_gone_is_none_and_one_that_is_stopped_costs_nothing_by_itself(account: Account) -> None:
    first, second = instance(account, GROWN), instance(account, GROWN)
    account.client("ec2").terminate_instances(InstanceIds=[first])
    account.client("ec2").stop_instances(InstanceIds=[second])
    (found,) = look(account, "instance")
    assert (found.id, found.dollars_a_day) == (second, 0)


def test_a_control_planes_interface_is_known_by_its_description(account: Account) -> None:
    subnet = account.client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
    account.client("ec2").create_network_interface(SubnetId=subnet, Description=f"Amazon EKS {CLUSTER}")
    assert len(look(account, "network interface")) == 1
    account.client("ec2").create_network_interface(SubnetId=subnet, Description="Amazon EKS somebodys")
    assert len(look(account, "network interface")) == 1


def test_a_log_group_that_eks_made_again_is_known_by_its_name(account: Account) -> None:
    logs = account.client("logs")
    for name in (CLUSTER, "trainyard-dev-two-0a1b2c3d"):
        logs.create_log_group(logGroupName=f"/aws/eks/{name}/cluster")
    (found,) = look(account, "log group")
    assert found.id == f"/aws/eks/{CLUSTER}/cluster"
    assert "kept for ever" in found.text


def test_a_key_that_waits_for_its_deletion_is_no_leftover_and_an_alias_of_it_is(account: Account) -> None:
    alias(account, STACK)
    (found,) = look(account, "key")
    account.client("kms").schedule_key_deletion(KeyId=found.id, PendingWindowInDays=7)
    assert look(account, "key") == []
    assert [one.id for one in look(account, "key alias")] == ["alias/one"]


def test_the_commands_of_what_holds_on_to_others_come_in_their_order(account: Account) -> None:
    for kind, words in {
        "role": "delete-role-policy && delete-role",
        "instance profile": "remove-role-from-instance-profile && delete-instance-profile",
        "internet gateway": "detach-internet-gateway && delete-internet-gateway",
        "route table": "disassociate-route-table && delete-route-table",
        "event rule": "remove-targets && delete-rule",
    }.items():
        PLANTS[kind][0](account, PLANTS[kind][1])
        (found,) = look(account, kind)
        assert [shlex.split(one)[2] for one in found.command.split(" && ")] == words.split(" && ")


def test_a_results_bucket_that_is_kept_is_no_leftover(account: Account) -> None:
    PLANTS["bucket"][0](account, STACK)
    kept = search(account, DEV, keep=True)
    assert (kept.left, [one.id for one in kept.kept]) == ((), ["results-bucket-1"])
    assert [one.kind for one in search(account, DEV, keep=False).left] == ["bucket"]


def test_all_that_is_planted_is_found_together_in_the_order_in_which_it_can_go(account: Account) -> None:
    for put, tags, _ in PLANTS.values():
        put(account, tags)
    found = search(account, DEV)
    # the alias's key is one more
    expected = [kind for kind in PLANTS if kind not in ("bucket", "whatever else has its tags")]
    assert list(dict.fromkeys(one.kind for one in found.left))[:-1] == expected
    assert found.left[-1].kind == "sns"
    assert found.unknown == ()
    assert found.stands == CLUSTER
    day = sum(daily or 0 for _, _, daily in PLANTS.values())
    assert found.dollars_a_day == pytest.approx(day + 1 / 730 * 24)


def test_what_the_index_of_tags_still_lists_and_is_gone_is_no_leftover(account: Account) -> None:
    gone = {
        "key": "arn:aws:kms:us-west-2:123456789012:key/00000000-0000-0000-0000-000000000000",
        "log group": "arn:aws:logs:us-west-2:123456789012:log-group:gone",
        "bucket": "arn:aws:s3:::gone",
        "queue": "arn:aws:sqs:us-west-2:123456789012:gone",
        "whatever else has its tags": "arn:aws:ec2:us-west-2:123456789012:instance/i-0123456789abcdef0",
    }
    for kind, arn in gone.items():
        listed = [{"ResourceARN": arn, "Tags": [{"Key": "trainyard:stack", "Value": "dev"}]}]
        plant(account, "resourcegroupstaggingapi", "GetResources", {"ResourceTagMappingList": listed})
        assert look(account, kind) == []


def test_every_page_of_a_list_is_read(account: Account) -> None:
    """CloudWatch tells of 50 groups at a time."""
    names = [f"/aws/eks/trainyard-dev-{number:08x}/cluster" for number in range(51)]
    for name in names:
        account.client("logs").create_log_group(logGroupName=name)
    assert sorted(one.id for one in look(account, "log group")) == names


def test_more_load_balancers_than_aws_tells_the_tags_of_at_once_are_all_found(account: Account) -> None:
    vpc = account.client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    tags = [{"Key": "elbv2.k8s.aws/cluster", "Value": CLUSTER}]
    for number in range(21):
        account.client("elbv2").create_target_group(Name=f"g{number}", Protocol="TCP", Port=80, VpcId=vpc, Tags=tags)
    assert len(look(account, "target group")) == 21


def test_a_kind_that_may_not_be_listed_is_told_and_the_others_are_found(account: Account) -> None:
    known = volume(account, GROWN)
    plant(account, "fsx", "DescribeFileSystems", Refused("AccessDeniedException", 403))
    found = search(account, DEV)
    assert [one.id for one in found.left] == [known]
    (unknown,) = found.unknown
    assert (unknown.kind, unknown.text) == ("file system", "not allowed: fsx:DescribeFileSystems")


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> Account:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nobodys")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    return Account("us-west-2", patience=Patience(connect=0.3, read=0.3, attempts=1))


def test_a_network_that_does_not_answer_leaves_every_kind_unknown(nowhere: Account) -> None:
    found = search(nowhere, DEV)
    assert found.left == ()
    assert [one.kind for one in found.unknown] == list(PLANTS)
    assert all("does not answer" in one.text for one in found.unknown)
