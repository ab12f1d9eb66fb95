"""The launcher `local`: the command that a pod would run, with this machine's folders."""

import shlex
from pathlib import Path

from workloads.launchers.local import Machine, command
from workloads.recipes import RECIPES, hashing
from workloads.recipes.sources import ROOT

RECIPE = RECIPES["llama3-8b-text-to-sql"]
MACHINE = Machine(Path("/with space/shared"), "/venv/bin/python")
STEPS = {step.name: step for step in RECIPE.steps(RECIPE.rehearsal(), None)}
HASHES = hashing.hashes(STEPS.values())


def argument(step: str, name: str) -> str:
    argv = command(STEPS[step], RECIPE.name, HASHES, MACHINE).argv
    return argv[argv.index(f"--{name}") + 1]


def test_each_step_reads_where_the_earlier_one_wrote() -> None:
    for reader, name, writer in (
        ("train", "data", "prepare"),
        ("consolidate", "train", "train"),
        ("test", "tuned", "consolidate"),
    ):
        assert argument(reader, name) == str(command(STEPS[writer], RECIPE.name, HASHES, MACHINE).folder)


def test_folders_are_named_as_on_a_cluster() -> None:
    folder = command(STEPS["train"], RECIPE.name, HASHES, MACHINE).folder
    assert folder == Path(f"/with space/shared/runs/llama3-8b-text-to-sql/train-{HASHES['train']}")


def test_the_line_is_safe_to_paste_whatever_the_folder_is_called() -> None:
    what = command(STEPS["train"], RECIPE.name, HASHES, MACHINE)
    assert tuple(shlex.split(what.line)) == what.argv


def test_the_program_is_found_as_in_a_pod() -> None:
    what = command(STEPS["train"], RECIPE.name, HASHES, MACHINE)
    assert what.argv[:3] == ("/venv/bin/python", "-m", "programs.text_to_sql.train")
    assert what.environment["PYTHONPATH"] == str(ROOT)


def test_a_list_becomes_several_words() -> None:
    argv = command(STEPS["train"], RECIPE.name, HASHES, MACHINE).argv
    at = argv.index("--lora_targets")
    assert argv[at + 1 : at + 8] == ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
