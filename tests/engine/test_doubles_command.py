"""The command's double, under the real engine."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi import automation as auto
from pulumi_command import local

from .doubles import attached
from .doubles.command import Command
from .stack import settled, skipping

# --- the command under the real engine


class CommandStack:
    """A stack of one command."""

    def __init__(self, folder: Path, environment: Mapping[str, str]):
        self._folder = folder
        self._environment = dict(environment)

    def having(self, **arguments: Any) -> auto.Stack:
        def program() -> None:
            command = local.Command("step", **arguments)
            pulumi.export("stdout", command.stdout)

        root = auto.PulumiCommand(str(self._folder), skip_version_check=True)
        options = auto.LocalWorkspaceOptions(env_vars=self._environment, pulumi_command=root)
        return auto.create_or_select_stack("test", "doubles", program, opts=options)


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[CommandStack]:
    double = Command({**os.environ, "FROM": "the test"})
    with skipping(), settled(tmp_path) as environment, attached({"command": double}) as providers:
        yield CommandStack(tmp_path, {**environment, "PULUMI_DEBUG_PROVIDERS": providers})


def test_a_command_runs_when_it_is_new_or_a_trigger_changes_and_its_end_when_it_goes(
    stack: CommandStack, tmp_path: Path
) -> None:
    written = tmp_path / "written"
    arguments = {
        "create": f"echo $FROM $MORE $PULUMI_COMMAND_STDOUT | tee -a {written}",
        "delete": f"echo gone after $PULUMI_COMMAND_STDOUT >> {written}",
        "environment": {"MORE": "and more"},
    }
    new = stack.having(**arguments, triggers=["1"]).up()
    assert new.outputs["stdout"].value == "the test and more"
    same = stack.having(**arguments, triggers=["1"]).up()
    assert same.summary.resource_changes == {"same": 2}
    replaced = stack.having(**arguments, triggers=["2"])
    assert replaced.up().summary.resource_changes == {"same": 1, "replace": 1}
    replaced.destroy()
    ran, gone = "the test and more", "gone after the test and more"
    assert written.read_text().splitlines() == [ran, ran, gone, gone]


def test_a_changed_line_runs_in_place_and_a_failing_one_stops_the_update_in_its_own_words(stack: CommandStack) -> None:
    stack.having(create="echo first").up()
    assert stack.having(create="echo second").up().summary.resource_changes == {"same": 1, "update": 1}
    failing = stack.having(create="echo all is lost >&2; exit 3")
    with pytest.raises(auto.CommandError, match=r"exit status 3(?s:.*)all is lost"):
        failing.up()
    kept = failing.export_stack().deployment or {}
    assert [one["outputs"]["stdout"] for one in kept["resources"] if one["type"] == "command:local:Command"] == [
        "second"
    ]
