"""Names that are taken: only such as the program fixes itself can collide."""

from collections.abc import Callable

import pytest

from stacks.aws.account import Account
from stacks.preflight.names import KINDS, names
from stacks.preflight.wanted import NAMED_BY
from tests.stacks.preflight.stand import dev

GROUP, ALIAS, ROLE = "aws:cloudwatch/logGroup:LogGroup", "aws:kms/alias:Alias", "aws:iam/role:Role"
PROFILE, REPOSITORY = "aws:iam/instanceProfile:InstanceProfile", "aws:ecr/repository:Repository"


def _alias(account: Account, name: str) -> None:
    kms = account.client("kms")
    kms.create_alias(AliasName=name, TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])


PLANT: dict[str, tuple[str, Callable[[Account, str], object]]] = {
    GROUP: ("/aws/eks/one/cluster", lambda a, name: a.client("logs").create_log_group(logGroupName=name)),
    ALIAS: ("alias/one", _alias),
    ROLE: ("one", lambda a, name: a.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument="{}")),
    PROFILE: ("one", lambda a, name: a.client("iam").create_instance_profile(InstanceProfileName=name)),
    REPOSITORY: ("one", lambda a, name: a.client("ecr").create_repository(repositoryName=name)),
}


def test_every_kind_that_can_be_named_is_looked_for_and_planted_here() -> None:
    assert set(NAMED_BY) == set(KINDS) == set(PLANT)


def test_the_dev_stack_fixes_no_name_so_that_nothing_can_collide(account: Account) -> None:
    told = names(account, dev())
    assert dev().names == ()
    assert told.ok
    assert "none is fixed" in told.text


@pytest.mark.parametrize("kind", PLANT)
def test_a_fixed_name_is_free_until_something_has_it(kind: str, account: Account) -> None:
    name, plant = PLANT[kind]
    use = dev(names=((kind, name),))
    assert names(account, use).ok
    plant(account, name)
    told = names(account, use)
    assert not told.ok
    assert name in told.text
    assert told.mend is not None
    assert told.mend.startswith("aws ")
    assert name in told.mend


def test_a_log_group_whose_name_only_begins_so_takes_nothing(account: Account) -> None:
    account.client("logs").create_log_group(logGroupName="/aws/eks/one/cluster-2")
    assert names(account, dev(names=((GROUP, "/aws/eks/one/cluster"),))).ok


def test_what_an_earlier_stack_left_in_nobodys_way_is_told(account: Account) -> None:
    account.client("logs").create_log_group(logGroupName="/aws/eks/trainyard-dev-0a1b2c3d/cluster")
    told = names(account, dev())
    assert told.ok
    assert "/aws/eks/trainyard-dev-0a1b2c3d/cluster" in told.text


def test_names_of_a_stack_that_stands_are_its_own(account: Account) -> None:
    role = "arn:aws:iam::123456789012:role/cluster"
    network = {"subnetIds": ["subnet-1", "subnet-2"]}
    account.client("eks").create_cluster(name="trainyard-dev-0a1b2c3d", roleArn=role, resourcesVpcConfig=network)
    account.client("logs").create_log_group(logGroupName="/aws/eks/one/cluster")
    assert names(account, dev(names=((GROUP, "/aws/eks/one/cluster"),))).ok
