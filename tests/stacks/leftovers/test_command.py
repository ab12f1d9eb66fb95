"""`trainyard leftovers`: what it prints, and how it ends."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stacks import config
from stacks.aws.account import Account
from stacks.commands import app
from stacks.leftovers import look
from tests.stacks.leftovers.plants import CLUSTER, GROWN, STACK, bucket, cluster, volume
from tests.stacks.planted import Refused, plant
from workloads.programs.errors import UserError

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(account: Account, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command, for the dev stack, in an account of moto's."""
    monkeypatch.setattr(look, "Account", lambda region, profile: account)
    monkeypatch.setenv("COLUMNS", "80")

    def invoke(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["leftovers", *arguments])
        return done.exit_code, done.output

    return invoke


def test_with_nothing_left_it_ends_with_0(run: Run) -> None:
    assert run() == (0, "\nNothing is left.\n")


def test_with_something_left_it_ends_with_1_and_tells_price_and_command_on_whole_lines(
    run: Run, account: Account
) -> None:
    known = volume(account, GROWN)
    status, told = run()
    assert status == 1
    assert f"left  volume {known}  $1.92 a day  (730 GiB of gp3, available)" in told
    assert f"      aws ec2 delete-volume --volume-id {known} --region us-west-2\n" in told
    assert "1 left, $1.92 a day" in told
    assert "us-east-1" in told


def test_a_bucket_kept_on_purpose_is_shown_and_does_not_change_the_status(run: Run, account: Account) -> None:
    known = bucket(account, STACK)
    status, told = run()
    assert status == 0
    assert f"kept on purpose  bucket {known}" in told


def test_a_cluster_that_stands_makes_it_ask_for_a_destroy_first(run: Run, account: Account) -> None:
    cluster(account, STACK)
    status, told = run()
    assert status == 1
    assert f"{CLUSTER} still stands. If dev was never taken down: pulumi destroy --stack dev" in told


def test_what_could_not_be_asked_is_not_told_as_nothing_left(run: Run, account: Account) -> None:
    plant(account, "ec2", "DescribeVolumes", Refused("UnauthorizedOperation", 403))
    status, told = run()
    assert status == 1
    assert "not known  volume: not allowed: ec2:DescribeVolumes" in told
    assert "Nothing is left" not in told


def test_its_json_has_all_of_it(run: Run, account: Account) -> None:
    known = volume(account, GROWN)
    kept = bucket(account, STACK)
    status, told = run("--json")
    answer = json.loads(told)
    assert status == 1
    (left,) = answer["left"]
    assert (left["kind"], left["id"], round(left["dollars_a_day"], 2)) == ("volume", known, 1.92)
    assert left["command"].startswith("aws ec2 delete-volume")
    assert [one["id"] for one in answer["kept"]] == [kept]
    assert round(answer["dollarsADay"], 2) == 1.92
    assert (answer["stack"], answer["unknown"], answer["stands"]) == ("dev", [], None)


def test_without_a_region_it_says_so_and_how_to_set_it(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.old.yaml").write_text("config: {}\n")
    with pytest.raises(UserError, match="pulumi config set aws:region us-west-2 --stack old"):
        look.leftovers("old", tmp_path)


def test_a_config_with_mistakes_hides_no_leftover(
    tmp_path: Path, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = "config:\n  aws:region: us-west-2\n  trainyard:recipe: none-such\n  trainyard:results: {keep: false}\n"
    (tmp_path / "Pulumi.old.yaml").write_text(told)
    monkeypatch.setattr(look, "Account", lambda region, profile: account)
    bucket(account, {**STACK, "trainyard:stack": "old"})
    found = look.leftovers("old", tmp_path)
    assert ([one.kind for one in found.left], found.kept) == (["bucket"], ())


def test_a_stack_that_is_not_there_is_told_without_a_traceback() -> None:
    done = CliRunner().invoke(app, ["leftovers", "--stack", "nowhere"])
    assert done.exit_code == 2
    assert str(config.PROJECT / "Pulumi.nowhere.yaml") in done.output.replace("\n", "")
