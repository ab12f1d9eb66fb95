"""All checks together: each tells what it found, whatever becomes of the others."""

import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stacks.aws.account import Account, Patience
from stacks.commands import app
from stacks.config import PROJECT
from stacks.preflight import checks
from stacks.preflight.checks import Asked, preflight
from stacks.preflight.finding import Finding
from stacks.preflight.quotas import QUOTAS
from tests.stacks.planted import REGION, Refused, plant
from tests.stacks.preflight.stand import allow, dev, offer, support
from tests.stacks.preflight.test_tools import PRINTS, put

IN_AWS = ("identity", "zones", "kubernetes", "names", *(one.check for one in QUOTAS))
"""Checks that ask AWS for the dev stack; it names no reservation."""


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The programs that a person needs, in versions that fit."""
    monkeypatch.setenv("PATH", str(tmp_path))
    for name, prints in PRINTS.items():
        put(tmp_path, name, prints)
    return tmp_path


@pytest.fixture
def ready(account: Account, tools: Path, monkeypatch: pytest.MonkeyPatch) -> Asked:
    """A dev stack for which everything is there; its model is not gated."""
    allow(account)
    support(account, "1.35")
    offer(account, "trn1.32xlarge", "us-west-2d")
    monkeypatch.setattr(checks, "Account", lambda region, profile: account)
    return Asked(dev(models=()), REGION, None)


def none(stack: str) -> str:
    raise AssertionError("no token is needed")


def by_name(found: list[Finding]) -> dict[str, Finding]:
    return {one.check: one for one in found}


def test_every_check_of_a_stack_for_which_all_is_there_is_ok(ready: Asked) -> None:
    found = preflight(ready, none)
    assert [one for one in found if not one.ok] == []
    assert set(by_name(found)) == {*IN_AWS, "reservation", "hugging face", "pulumi", "kubectl", "aws"}
    assert "account 123456789012, region us-west-2" in found[0].text


@pytest.mark.parametrize(
    ("action", "check"),
    [
        ("sts:GetCallerIdentity", "identity"),
        ("ec2:DescribeInstanceTypeOfferings", "zones"),
        ("eks:DescribeClusterVersions", "kubernetes"),
        ("eks:ListClusters", "names"),
        ("ec2:DescribeAddresses", "quota: addresses"),
        ("fsx:DescribeFileSystems", "quota: storage"),
    ],
)
def test_a_call_that_is_denied_fails_its_own_check_and_names_the_action(
    action: str, check: str, ready: Asked, account: Account
) -> None:
    service, operation = action.split(":")
    plant(account, service, operation, Refused("AccessDeniedException", 403))
    found = by_name(preflight(ready, none))
    assert [name for name, one in found.items() if not one.ok] == [check]
    assert found[check].text == f"not allowed: {action}"
    assert found[check].mend == f"let your role or user have {action}"


def test_quotas_that_may_not_be_read_name_the_action_of_service_quotas(ready: Asked, account: Account) -> None:
    plant(account, "service-quotas", "GetServiceQuota", Refused("AccessDeniedException", 403))
    found = by_name(preflight(ready, none))
    assert {one.text for name, one in found.items() if not one.ok} == {"not allowed: servicequotas:GetServiceQuota"}


def test_credentials_that_have_expired_are_told_with_the_command_that_mends_it(ready: Asked, account: Account) -> None:
    plant(account, "sts", "GetCallerIdentity", Refused("ExpiredToken", 403))
    found = by_name(preflight(ready, none))["identity"]
    assert "expired" in found.text
    assert "aws sso login" in str(found.mend)


def failed_in_aws(found: list[Finding], text: str) -> bool:
    return all(not by_name(found)[name].ok and text in by_name(found)[name].text for name in IN_AWS)


def test_without_credentials_every_check_in_aws_says_so(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tools / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tools / "none"))
    found = preflight(Asked(dev(models=()), REGION, None), none)
    assert failed_in_aws(found, "no credentials")
    assert by_name(found)["pulumi"].ok


def test_a_profile_that_is_not_there_is_told(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tools / "none"))
    assert failed_in_aws(preflight(Asked(dev(models=()), REGION, "nobodys"), none), "nobodys")


@pytest.fixture
def silent() -> Iterator[str]:
    """An address that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("kind", ["silent", "closed"])
def test_a_network_that_does_not_answer_fails_every_check_in_aws_with_a_reason(
    kind: str, silent: str, tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", silent if kind == "silent" else "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nobodys")
    short = Patience(connect=0.3, read=0.3, attempts=1)
    monkeypatch.setattr(checks, "Account", lambda region, profile: Account(region, profile, short))
    found = preflight(Asked(dev(models=()), REGION, None), none)
    assert failed_in_aws(found, "AWS does not answer")
    assert by_name(found)["kubectl"].ok


def test_a_stack_without_a_region_is_told_so_and_nobody_is_asked(tools: Path) -> None:
    found = by_name(preflight(Asked(dev(models=()), None, None), none))
    assert not found["region"].ok
    assert found["region"].mend == "pulumi config set aws:region us-west-2 --stack dev"
    assert "identity" not in found


@pytest.mark.parametrize(("platform", "expected"), [("existing", {"pulumi", "kubectl"}), ("local", {"pulumi"})])
def test_a_platform_without_aws_asks_nothing_of_it(platform: str, expected: set[str], tools: Path) -> None:
    found = preflight(Asked(replace(dev(models=()), platform=platform), None, None), none)
    assert set(by_name(found)) == {*expected, "hugging face"}


@pytest.fixture
def run(ready: Asked, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str]]:
    """The command, for a stack for which all is there."""
    monkeypatch.setattr(checks, "asked", lambda stack: ready)

    def invoke(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["preflight", *arguments])
        return done.exit_code, done.output

    return invoke


def test_the_command_ends_with_0_if_all_is_there_and_with_1_if_not(
    run: Callable[..., tuple[int, str]], tools: Path
) -> None:
    status, told = run()
    assert status == 0
    assert "All 14 checks passed." in told
    (tools / "aws").unlink()
    status, told = run()
    assert status == 1
    assert "1 of 14 checks failed." in told
    assert "wrong aws" in told


def test_the_commands_json_has_every_check(run: Callable[..., tuple[int, str]], tools: Path) -> None:
    (tools / "pulumi").unlink()
    status, told = run("--json")
    answer = json.loads(told)
    assert (status, answer["stack"], answer["ok"]) == (1, "dev", False)
    (failed,) = [one for one in answer["checks"] if not one["ok"]]
    assert failed["check"] == "pulumi"
    assert set(failed) == {"check", "ok", "text", "mend"}


def test_a_stack_that_is_not_there_is_told_without_a_traceback() -> None:
    done = CliRunner().invoke(app, ["preflight", "--stack", "nowhere"])
    assert done.exit_code == 2
    assert "Pulumi.nowhere.yaml" in done.output


def test_what_a_stack_is_asked_for_is_read_from_its_file() -> None:
    given = checks.asked("dev", PROJECT)
    assert (given.region, given.profile) == ("us-west-2", None)
    assert given.wanted == dev()
