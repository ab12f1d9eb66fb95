"""EKS's support of a version. moto has no list of versions: it is planted."""

from datetime import date

import pytest

from stacks.aws.account import Account
from stacks.preflight.kubernetes import kubernetes
from tests.stacks.planted import plant
from tests.stacks.preflight.stand import dev, support

TODAY = date(2026, 11, 21)


def test_a_version_in_standard_support_is_ok_and_its_end_is_told(account: Account) -> None:
    support(account, "1.35")
    told = kubernetes(account, dev(), TODAY)
    assert told.ok
    assert "until 2027-03-27" in told.text
    assert "days" not in told.text


def test_an_end_that_is_near_is_told_in_days(account: Account) -> None:
    support(account, "1.35")
    assert "in 26 days" in kubernetes(account, dev(), date(2027, 3, 1)).text


@pytest.mark.parametrize("status", ["EXTENDED_SUPPORT", "UNSUPPORTED"])
def test_a_version_that_aws_has_out_of_standard_support_is_wrong(account: Account, status: str) -> None:
    support(account, "1.36", status)
    told = kubernetes(account, dev(kubernetes="1.36"), TODAY)
    assert not told.ok
    assert status.lower().replace("_", " ") in told.text
    assert told.mend == "pulumi config set --path trainyard:cluster.kubernetes '1.35' --stack dev"


def test_a_version_that_aws_does_not_have_is_wrong(account: Account) -> None:
    plant(account, "eks", "DescribeClusterVersions", {"clusterVersions": []})
    assert "EKS has no Kubernetes 1.35" in kubernetes(account, dev(), TODAY).text


def test_a_version_past_its_end_is_wrong_without_asking(account: Account) -> None:
    told = kubernetes(account, dev(), date(2027, 4, 1))
    assert not told.ok
    assert "left EKS's standard support on 2027-03-27" in told.text
