"""The whole Pulumi CLI on the project as it stands: its own language host runs __main__.py, as for a user."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import PROJECT

from .stack import settled, skipping

pytestmark = pytest.mark.tier("cli")

Cli = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[Cli]:
    """`pulumi` with a state of its own; the stack's config is given as text."""
    if not shutil.which("pulumi-language-python"):
        pytest.skip("pulumi-language-python is not on PATH: only the whole Pulumi CLI brings it")
    with skipping(), settled(tmp_path / "engine") as environment:
        yield _cli(tmp_path, {**os.environ, **environment})


def _cli(tmp_path: Path, environment: dict[str, str]) -> Cli:
    project = tmp_path / "project"
    project.mkdir()
    for name in ("__main__.py", "Pulumi.yaml", "stacks", "components", "workloads"):
        (project / name).symlink_to(PROJECT / name)
    (project / ".venv").symlink_to(sys.prefix)

    def run(*words: str, config: str = "") -> subprocess.CompletedProcess[str]:
        if config:
            (project / "Pulumi.test.yaml").write_text(config)
        return subprocess.run(
            [tmp_path / "engine" / "bin" / "pulumi", *words, "--non-interactive"],
            cwd=project,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    assert run("stack", "init", "test").returncode == 0
    return run


def test_a_preview_of_the_shortest_config_there_is_shows_the_steps(cli: Cli) -> None:
    done = cli("preview", config="config:\n  trainyard:platform: local\n")
    assert done.returncode == 0, done.stdout + done.stderr
    for step in ("prepare", "train", "consolidate", "test", "keep"):
        assert re.search(rf"components:LocalStep\s+{step}\s+create", done.stdout)


def test_mistakes_are_told_together_without_a_word_of_python(cli: Cli) -> None:
    done = cli("preview", config="config:\n  trainyard:recipee: x\n  trainyard:nodes: {count: many}\n")
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert "trainyard:recipee" in said
    assert "trainyard:nodes.count" in said
    assert "Traceback" not in said
    assert "unhandled" not in said.lower()
