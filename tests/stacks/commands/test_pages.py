"""What README and docs show is there: commands with their options, keys of the config, pages and their parts."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
from pydantic import BaseModel

from stacks.commands import app
from stacks.settings import Keys
from tests.conftest import PROJECT

PAGES = sorted([PROJECT / "README.md", *PROJECT.glob("docs/**/*.md"), *PROJECT.glob("Pulumi.*.yaml")])
TAGS = {"stack", "project"}
"""Names of AWS tags that look like keys of the config."""


def commands() -> Iterator[str]:
    for page in PAGES:
        for line in re.findall(r"^[ #]*(trainyard(?: [^# \n]+)+)", page.read_text(), re.MULTILINE):
            yield line.strip()


def parsed(line: str) -> tuple[str, dict[str, Any]]:
    """The subcommand of `line` and what it would be given; a usage error where it would not take that."""
    command: Any = typer.main.get_command(app)
    words = shlex.split(line)[1:]
    while hasattr(command, "commands"):
        name = words.pop(0)
        command = command.commands[name]
    return command.name, command.make_context(command.name, words).params


def keys() -> Iterator[str]:
    for page in PAGES:
        yield from re.findall(r"trainyard:([A-Za-z.]*[A-Za-z])", page.read_text())


def is_key(path: list[str], model: Any = Keys) -> bool:
    if not path or not (isinstance(model, type) and issubclass(model, BaseModel)):
        return True
    fields = {field.alias or name: field.annotation for name, field in model.model_fields.items()}
    inner = fields.get(path[0])
    groups = [one for one in (inner, *get_args(inner)) if isinstance(one, type) and issubclass(one, BaseModel)]
    return path[0] in fields and is_key(path[1:], groups[0] if groups else None)


@pytest.mark.parametrize("line", sorted(set(commands())))
def test_a_command_on_a_page_is_one_that_there_is(line: str) -> None:
    name, given = parsed(line)
    if name in ("list", "fetch", "verify"):  # of results, which have to be told where to look
        assert (given["stack"] is None) != (given["target"] is None)


def test_every_key_that_a_page_names_is_one() -> None:
    shown_as_a_mistake = "nodes.instancetype"
    named = set(keys()) - TAGS - {shown_as_a_mistake}
    assert len(named) > 20
    assert [key for key in sorted(named) if not is_key(key.split("."))] == []


def parts(page: Path) -> set[str]:
    """What a link can point to in `page`, as GitHub names its headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [page for page in PAGES if page.suffix == ".md"], ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        place, _, part = link.partition("#")
        if "://" in place:
            continue
        target = (page.parent / place) if place else page
        assert target.exists(), link
        assert not part or part in parts(target), link
