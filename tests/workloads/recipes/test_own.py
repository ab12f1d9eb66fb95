"""The page about recipes of one's own, followed to the letter in a copy of the project."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PROJECT

PAGE = PROJECT / "docs" / "recipes" / "writing-your-own.md"
BLOCK = re.compile(r"^```(?P<kind>\w+)(?: (?P<path>\S+))?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
PARTS = ("stacks", "components", "workloads")


def blocks(kind: str) -> list[re.Match[str]]:
    return [match for match in BLOCK.finditer(PAGE.read_text()) if match["kind"] == kind]


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as it is once the page's files have been put where it says."""
    copy = tmp_path_factory.mktemp("copy") / "project"
    for part in PARTS:
        shutil.copytree(PROJECT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Pulumi.yaml", "pyproject.toml"):
        shutil.copyfile(PROJECT / name, copy / name)
    for match in (*blocks("python"), *blocks("yaml")):
        path = copy / match["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(match["text"])
    return copy


def typed(line: str, project: Path) -> "subprocess.CompletedProcess[str]":
    """The page's command `line`, by the copy's own `trainyard`."""
    command, *words = line.split()
    assert command == "trainyard"
    return subprocess.run(
        [sys.executable, "-m", "stacks", *words],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )


def command(of: str) -> str:
    (console,) = blocks("console")
    return next(line for line in console["text"].splitlines() if line.split()[1] == of)


def test_the_recipe_is_one_file_of_less_than_80_lines() -> None:
    (recipe,) = (match for match in blocks("python") if match["path"].startswith("workloads/"))
    assert recipe["path"].startswith("workloads/recipes/own/")
    assert len(recipe["text"].splitlines()) < 80


def test_the_recipe_is_planned_and_priced(followed: Path) -> None:
    done = typed(f"{command('plan')} --json", followed)
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    assert plan["recipe"] == "haiku"
    step, keep = plan["steps"]
    assert keep["name"] == "keep"
    assert (step["name"], step["machine"], step["launcher"]) == ("train", "trn1.32xlarge", "job")
    assert step["dollars"] == pytest.approx(21.50 / 2)


def test_a_mistake_in_its_parameters_is_told_before_anything_is_made(followed: Path) -> None:
    (config,) = blocks("yaml")
    wrong = config["text"].replace("steps: 500", "steps: many\n    learning_rate: 2")
    (followed / "Pulumi.wrong.yaml").write_text(wrong)
    done = typed("trainyard plan --stack wrong", followed)
    assert done.returncode != 0
    told = done.stdout + done.stderr
    assert "trainyard:parameters.steps" in told
    assert "Traceback" not in told


def test_its_rehearsal_runs_the_module_and_is_done(followed: Path) -> None:
    done = typed(command("rehearse"), followed)
    assert done.returncode == 0, done.stdout + done.stderr
    (folder,) = (followed / "shared" / "runs" / "haiku").glob("train-*")
    assert json.loads((folder / "model.json").read_text())["weight"] == pytest.approx(1 - 0.99**20)
    assert (folder / "_SUCCESS").is_file()
    assert "done before" in typed(command("rehearse"), followed).stdout


def test_a_module_that_fails_fails_the_step(followed: Path) -> None:
    module = followed / "haiku" / "train.py"
    whole = module.read_text()
    module.write_text(whole + "raise SystemExit(7)\n")
    try:
        done = typed(f"{command('rehearse')} --folder other", followed)
    finally:
        module.write_text(whole)
    assert done.returncode != 0
    assert "ended with status 7" in done.stdout + done.stderr
    (folder,) = (followed / "other" / "runs" / "haiku").glob("train-*")
    assert not (folder / "_SUCCESS").exists()


def test_a_module_that_is_not_there_is_told(followed: Path) -> None:
    away = followed / "haiku"
    away.rename(followed / "elsewhere")
    try:
        done = typed(f"{command('rehearse')} --folder third", followed)
    finally:
        (followed / "elsewhere").rename(away)
    assert "There is no module haiku.train here. Is it in the image, by that name?" in done.stdout + done.stderr
