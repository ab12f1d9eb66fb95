"""Zones: which offer the instance type, and whether the chosen one is among them."""

from stacks.aws.account import Account
from stacks.preflight.zones import zones
from tests.stacks.preflight.stand import dev, offer

TYPE = "trn1.32xlarge"


def test_the_first_zone_that_offers_the_type_is_told(account: Account) -> None:
    offer(account, TYPE, "us-west-2d", "us-west-2b")
    found = zones(account, dev())
    assert found.ok
    assert "us-west-2b, us-west-2d" in found.text
    assert "us-west-2b is to train" in found.text


def test_a_chosen_zone_that_does_not_offer_the_type_is_wrong_and_the_command_names_one_that_does(
    account: Account,
) -> None:
    offer(account, TYPE, "us-west-2d")
    found = zones(account, dev(zone="us-west-2a"))
    assert not found.ok
    assert "us-west-2a does not offer trn1.32xlarge" in found.text
    assert found.mend == "pulumi config set --path trainyard:network.zone us-west-2d --stack dev"


def test_a_region_that_offers_none_is_wrong_and_the_command_names_another(account: Account) -> None:
    offer(account, TYPE)
    found = zones(account, dev())
    assert not found.ok
    assert "No zone of this region" in found.text
    assert found.mend == "pulumi config set aws:region us-west-2 --stack dev"


def test_a_zone_that_stacks_cannot_use_is_not_chosen_though_it_offers_the_type(account: Account) -> None:
    offer(account, TYPE, "us-west-2-lax-1a")
    assert not zones(account, dev()).ok
