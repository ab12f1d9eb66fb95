"""The programs that a person needs, played by small scripts on PATH."""

import json
from pathlib import Path

import pytest

from stacks.preflight import tools as at
from stacks.preflight.finding import Finding
from stacks.preflight.tools import TOOLS, tool
from tests import tools
from tests.stacks.preflight.stand import dev

KUBECTL = {"clientVersion": {"gitVersion": "v1.35.4"}}
PRINTS = {
    "pulumi": "v3.300.1",
    "kubectl": json.dumps(KUBECTL),
    "aws": "aws-cli/2.31.0 Python/3.13.7 Linux/6.1 exe/x86_64",
}


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that alone is PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def put(path: Path, name: str, prints: str, status: int = 0) -> None:
    script = path / name
    script.write_text(f"#!/bin/sh\nwhile read -r line; do echo \"$line\"; done <<'END'\n{prints}\nEND\nexit {status}\n")
    script.chmod(0o755)


def found(name: str) -> Finding:
    return tool(TOOLS[name], dev())


@pytest.mark.parametrize("name", TOOLS)
def test_a_version_that_fits_is_ok(name: str, path: Path) -> None:
    put(path, name, PRINTS[name])
    assert found(name).ok, found(name)


@pytest.mark.parametrize("name", TOOLS)
def test_a_tool_that_is_not_there_is_wrong_and_where_to_get_it_is_told(name: str, path: Path) -> None:
    told = found(name)
    assert not told.ok
    assert "not on PATH" in told.text
    assert told.mend is not None
    assert "https://" in told.mend


@pytest.mark.parametrize(
    ("name", "prints", "allowed"),
    [
        ("pulumi", "v3.100.0", "3.259 or newer"),
        ("pulumi", "v4.0.0", "of version 3"),
        ("kubectl", '{"clientVersion": {"gitVersion": "v1.33.1"}}', "1.34 to 1.36"),
        ("kubectl", '{"clientVersion": {"gitVersion": "v1.37.0"}}', "1.34 to 1.36"),
        ("aws", "aws-cli/1.45.11 Python/3.11.7", "2.7 or newer"),
        ("aws", "aws-cli/2.6.4 Python/3.9", "2.7 or newer"),
    ],
)
def test_a_version_that_does_not_fit_is_wrong_and_what_would_is_told(
    name: str, prints: str, allowed: str, path: Path
) -> None:
    put(path, name, prints)
    told = found(name)
    assert not told.ok
    assert allowed in told.text


@pytest.mark.parametrize("name", TOOLS)
@pytest.mark.parametrize("prints", ["", "{}", "segmentation fault"])
def test_a_tool_that_tells_no_version_is_wrong(name: str, prints: str, path: Path) -> None:
    put(path, name, prints, status=1)
    told = found(name)
    assert not told.ok
    assert "does not tell its version" in told.text


def test_a_file_that_cannot_be_run_is_wrong(path: Path) -> None:
    (path / "aws").write_text("no program")
    (path / "aws").chmod(0o755)
    told = found("aws")
    assert not told.ok
    assert "does not run" in told.text


def test_of_a_cluster_that_is_there_already_no_version_is_known(path: Path) -> None:
    put(path, "kubectl", '{"clientVersion": {"gitVersion": "v1.29.0"}}')
    assert tool(TOOLS["kubectl"], dev(platform="existing")).ok


def test_the_oldest_pulumi_that_fits_is_the_one_that_the_projects_tests_run() -> None:
    assert tools.PULUMI.startswith(".".join(map(str, at.PULUMI)) + ".")
