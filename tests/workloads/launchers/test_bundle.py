"""What a pod gets of the sources: the same bytes wherever it is made, all that its programs import, and no more."""

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from workloads.hardware import trainium
from workloads.launchers import LAUNCHERS, PROGRAMS, Launched, Site
from workloads.launchers.bundle import bundle
from workloads.launchers.pods import BUNDLE, PROGRAM, SHARED, Nodes
from workloads.programs import folders
from workloads.programs.errors import EXIT_USER_ERROR
from workloads.recipes import RECIPES, Fleet, hashing
from workloads.recipes.sources import ROOT, closure

RECIPE = RECIPES["llama3-8b-text-to-sql"]
FLEET = Fleet(trainium("trn1.32xlarge"), 1, efa=True)
STEPS = {step.name: step for step in RECIPE.steps(RECIPE.parameters(), FLEET)}
PREPARE = STEPS["prepare"].program


def programs(name: str) -> tuple[str, ...]:
    return PROGRAMS[STEPS[name].launcher](STEPS[name])


def archive(*names: str) -> zipfile.ZipFile:
    return zipfile.ZipFile(BytesIO(bundle(*names)))


def made_at(root: Path, *names: str) -> bytes:
    """The bundle that the project makes when its folder is `root`."""
    code = "import sys; from workloads.launchers.bundle import bundle; sys.stdout.buffer.write(bundle(*sys.argv[1:]))"
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", code, *names]
    return subprocess.run(command, env=environment, cwd=root, capture_output=True, check=True).stdout


@pytest.fixture
def moved(tmp_path: Path) -> Path:
    """A copy of the project in a folder with another name, its files of another time and mode."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT, tmp_path / "else where" / "workloads", copy_function=shutil.copyfile, ignore=ignored)
    for file in (tmp_path / "else where").rglob("*.py"):
        os.utime(file, (10**9, 10**9))
        file.chmod(0o600)
    return tmp_path / "else where"


def test_the_same_sources_make_the_same_bytes_wherever_they_lie(moved: Path) -> None:
    assert made_at(moved, *programs("train")) == bundle(*programs("train")) == made_at(ROOT.parent, *programs("train"))


def test_a_changed_source_makes_other_bytes(moved: Path) -> None:
    with (moved / "workloads" / "programs" / "errors.py").open("a") as file:
        file.write("# changed\n")
    assert made_at(moved, PREPARE) != bundle(PREPARE)


def test_the_order_in_which_programs_are_named_does_not_matter() -> None:
    assert bundle(*programs("train")) == bundle(*reversed(programs("train")))


def test_the_bytes_do_not_depend_on_which_zlib_there_is() -> None:
    """Two versions compress to other bytes: one colleague's update would stop another's training."""
    assert {one.compress_type for one in archive(PREPARE).infolist()} == {zipfile.ZIP_STORED}


@pytest.mark.parametrize("name", STEPS)
def test_it_holds_what_its_programs_import_and_nothing_else(name: str) -> None:
    files = {file for program in programs(name) for file in closure(program)}
    packed = archive(*programs(name))
    assert packed.namelist() == sorted(file.relative_to(ROOT).as_posix() for file in files)
    for file in files:
        assert packed.read(file.relative_to(ROOT).as_posix()) == file.read_bytes()


@pytest.mark.parametrize("name", STEPS)
def test_it_fits_into_a_config_map(name: str) -> None:
    """A MiB at the most, in base64; half of it leaves room to grow."""
    assert len(bundle(*programs(name))) * 4 / 3 < 2**19


# as a pod runs it


def placed(word: str, places: Mapping[Any, Path]) -> str:
    """`word` with the folders of a pod turned into those of this machine."""
    for inside, outside in places.items():
        if word == str(inside) or word.startswith(f"{inside}/"):
            return f"{outside}{word.removeprefix(str(inside))}"
    return word


def as_pod(name: str, root: Path, **parameters: Any) -> tuple[list[str], dict[str, str]]:
    """Command and environment of a step's container, its sources and its shared volume below `root`."""
    steps = RECIPE.steps(RECIPE.parameters(**parameters), FLEET)
    step = next(one for one in steps if one.name == name)
    images = {one.image.name: "image" for one in steps if one.image}
    site = Site(namespace="n", claim="c", images=images, token_secret="t", trainium=Nodes(), processors=Nodes())
    (made,) = LAUNCHERS[step.launcher](Launched(step, RECIPE.name, hashing.hashes(steps), "program"), site)
    (container,) = made["spec"]["template"]["spec"]["containers"]
    places = {SHARED: root / "volume", PROGRAM: root / "sources"}
    places[PROGRAM].mkdir()
    (places[PROGRAM] / BUNDLE).write_bytes(bundle(*PROGRAMS[step.launcher](step)))
    plain = {one["name"]: placed(one["value"], places) for one in container["env"] if "value" in one}
    _, *words = (placed(word, places) for word in container["command"])
    return [sys.executable, *words], {"PATH": os.environ["PATH"], **plain}


def carry_out(command: list[str], environment: dict[str, str], folder: Path) -> "subprocess.CompletedProcess[str]":
    """The command's end, in an empty folder: nothing of the project is there to be imported by chance."""
    (folder / "empty").mkdir()
    offline = {"HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run(
        command,
        env={**environment, **offline},
        cwd=folder / "empty",
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_a_pods_command_leaves_a_done_folder_from_its_sources_alone(
    tmp_path: Path, rows_file: Path, tiny_base: Path
) -> None:
    command, environment = as_pod(
        "prepare",
        tmp_path,
        dataset=f"{SHARED}/data/rows.jsonl",
        tokenizer=f"{SHARED}/data/tiny",
        block_size=256,
        prepare_processes=1,
    )
    data = tmp_path / "volume" / "data"
    data.mkdir(parents=True)
    shutil.copy(rows_file, data / "rows.jsonl")
    shutil.copytree(tiny_base / "model", data / "tiny")
    ended = carry_out(command, environment, tmp_path)
    assert ended.returncode == 0, ended.stderr
    (out,) = (tmp_path / "volume" / "runs" / RECIPE.name).iterdir()
    assert out.name.startswith("prepare-")
    assert folders.is_done(out)
    assert {"train.npy", "eval.npy", "eval.jsonl"} <= set(folders.sizes(out))


def on_one_core(command: list[str]) -> list[str]:
    return ["--processes=1" if word.startswith("--processes=") else word for word in command]


def test_a_pod_on_trainium_starts_the_program_in_its_processes_from_its_sources_alone(tmp_path: Path) -> None:
    """Up to its help: the rest needs devices."""
    command, environment = as_pod("train", tmp_path)
    ended = carry_out([*on_one_core(command), "--help"], environment, tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "--resume_from" in ended.stdout


def test_a_pod_on_trainium_ends_with_the_status_of_its_programs_mistake(tmp_path: Path) -> None:
    """Here the data that it needs is not there."""
    command, environment = as_pod("train", tmp_path)
    ended = carry_out(on_one_core(command), environment, tmp_path)
    assert "error: " in ended.stderr
    assert "has not ended" in ended.stderr
    assert ended.returncode == EXIT_USER_ERROR
