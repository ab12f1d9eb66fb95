"""A program's closure is all that it imports of the project, so that a pod needs nothing else."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from workloads.hardware import trainium
from workloads.recipes import RECIPES, Fleet, Recipe, Step, sources


def every(recipe: Recipe) -> tuple[Step, ...]:
    fleet = Fleet(trainium(recipe.instances[0]), 1, efa=True)
    return (*recipe.steps(recipe.rehearsal(), None), *recipe.steps(recipe.parameters(), fleet))


PROGRAMS = sorted({step.program for recipe in RECIPES.values() for step in every(recipe)})


def names(program: str) -> set[str]:
    return {path.relative_to(sources.ROOT).as_posix() for path in sources.closure(program)}


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_starts_from_its_closure_alone(program: str, tmp_path: Path) -> None:
    archive = tmp_path / "programs.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in sources.closure(program):
            packed.write(path, path.relative_to(sources.ROOT))
    command = [sys.executable, "-m", program, "--help"]
    told = subprocess.run(
        command, env={"PYTHONPATH": str(archive)}, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
    assert "--out" in told.stdout


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_closure_holds_programs_alone(program: str) -> None:
    assert all(name.startswith("programs/") for name in names(program))


def test_preparation_does_not_depend_on_how_training_works() -> None:
    assert not [name for name in names("programs.text_to_sql.prepare") if "training/" in name or "backends/" in name]


def test_what_is_imported_only_when_needed_belongs_to_the_closure() -> None:
    assert "programs/backends/neuron.py" in names("programs.text_to_sql.train")
    assert "programs/backends/cpu.py" in names("programs.text_to_sql.train")
