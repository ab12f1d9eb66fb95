"""The `trainyard` command: what it prints, and how it ends."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.made_up import different_rows
from stacks.commands.plan import show
from stacks.plan import make_plan
from tests.conftest import PROJECT, write_rows
from workloads.programs import card, folders, journal

pytestmark = pytest.mark.timeout(1500)  # a whole rehearsal, beside whatever else a machine has to do

QUICK = {
    "base_steps": 8,
    "max_steps": 10,
    "warmup_steps": 2,
    "micro_batch": 2,
    "log_every": 1,
    "eval_every": 5,
    "checkpoint_every": 2,
    "train_rows": 80,
    "test_rows": 3,
    "test_max_new_tokens": 4,
}
"""Parameters of a rehearsal that is over in half a minute."""


def trainyard(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "stacks", *arguments]
    env = {**os.environ, "COLUMNS": "200", **environment}
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, env=env, check=False)


def quick(**changes: object) -> list[str]:
    return [word for key, value in {**QUICK, **changes}.items() for word in ("--set", f"{key}={value}")]


def rehearse(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return trainyard("rehearse", "llama3-8b-text-to-sql", "--folder", str(folder), *arguments)


def step_folder(folder: Path, step: str) -> Path:
    (found,) = (folder / "runs" / "llama3-8b-text-to-sql").glob(f"{step}-*")
    return found


def ran(told: str) -> dict[str, bool]:
    """Which steps ran and which were done before, from the lines that a rehearsal prints before its summary."""
    lines = [line.split() for line in told.partition("Rehearsal")[0].splitlines()]
    steps = ("base", "prepare", "train", "consolidate", "test", "keep")
    return {line[0]: line[1:3] != ["done", "before"] for line in lines if line and line[0] in steps}


def test_plan_shows_steps_hashes_machines_and_prices_without_an_account() -> None:
    told = trainyard("plan", "--stack", "dev", PATH="")
    assert told.returncode == 0, told.stderr
    for text in ("prepare", "train", "consolidate", "test", "1 × trn1.32xlarge", "14.33", "us-east-1"):
        assert text in told.stdout


def test_plan_shows_the_resource_tree_and_the_outputs_of_what_can_be_stood_up() -> None:
    told = trainyard("plan", "--stack", "local")
    assert "12 resources" in told.stdout
    assert "train-command command:local:Command" in told.stdout
    assert "output model:" in told.stdout


@pytest.mark.parametrize("recipe", ["llama3-8b-text-to-sql", "llama2-7b-ray", "llama2-7b-megatron"])
def test_at_80_columns_a_plan_cuts_no_number_and_breaks_no_name(tmp_path: Path, recipe: str) -> None:
    keys = ("aws:region: us-west-2", "trainyard:platform: eks", f"trainyard:recipe: {recipe}")
    (tmp_path / "Pulumi.wide.yaml").write_text("\n  ".join(("config:", *keys)))
    made = make_plan("wide", tmp_path)
    left_out = tuple(replace(step, chosen=step.name == "train") for step in made.steps)
    file = tmp_path / "plan.txt"
    with file.open("w") as output:
        show(replace(made, steps=left_out), Console(file=output, width=80))
    told = file.read_text()
    assert "…" not in told
    assert all(machine in told for step in made.steps for machine in (step.machine, *step.beside))
    assert all(f"{step.minutes:.1f}" in told and f"{step.dollars:.2f}" in told for step in made.steps)
    assert all(one.type in told for one in made.resources)


def test_plan_as_json_holds_the_same_numbers() -> None:
    plan = json.loads(trainyard("plan", "--stack", "dev", "--json").stdout)
    assert plan["dollars"] == pytest.approx(sum(step["dollars"] for step in plan["steps"]))
    assert [step["name"] for step in plan["steps"]] == ["prepare", "compile", "train", "consolidate", "test", "keep"]
    assert all(len(step["hash"]) == 10 for step in plan["steps"])


def test_plan_shows_prices_by_the_hour_and_the_month_and_the_way_to_the_first_container() -> None:
    told = trainyard("plan", "--stack", "dev").stdout
    for text in ("while training", "while idle", "after scale-down", "a month of that", "a run: steps"):
        assert text in told
    for text in ("preparation left out", "cluster-eks", "image pulled", "with a compile cache"):
        assert text in told


def test_plan_says_of_what_only_the_update_will_tell_that_it_is_known_then() -> None:
    told = trainyard("plan", "--stack", "dev").stdout
    assert "output cluster: known after the update" in told
    assert "object at 0x" not in told


def test_plan_as_json_has_the_receipt_and_the_critical_path() -> None:
    plan = json.loads(trainyard("plan", "--stack", "dev", "--json").stdout)
    assert plan["receipt"]["training"] > plan["receipt"]["idle"] > plan["receipt"]["scaled_down"]
    path = plan["critical_path"]
    assert sum(link["minutes"] for link in path["container"]["links"]) == pytest.approx(path["container"]["minutes"])
    assert all(link["source"] for link in path["container"]["links"])


def test_plan_of_this_machine_has_neither() -> None:
    plan = json.loads(trainyard("plan", "--stack", "local", "--json").stdout)
    assert (plan["receipt"], plan["critical_path"]) == (None, None)


def test_a_stack_that_is_not_there_is_told_with_those_that_are() -> None:
    told = trainyard("plan", "--stack", "prod")
    assert told.returncode == 2
    assert "Stacks here: dev, local." in told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["llama4"], "unknown recipe"),
        (["llama3-8b-lora", "--set", "max_step=3"], "Did you mean 'max_steps'?"),
        (["llama3-8b-lora", "--set", "max_steps"], "write it as KEY=VALUE"),
        (["llama3-8b-lora", "--set", "lora_targets=[q"], "is not a list"),
        (["llama3-8b-lora", "--data", "/nowhere.jsonl"], "there is no file /nowhere.jsonl"),
        (["llama3-8b-lora", "--folder", "/dev/null/here"], "--folder /dev/null/here: cannot be made a folder"),
    ],
)
def test_a_mistake_at_the_command_line_is_told_without_a_traceback(arguments: list[str], said: str) -> None:
    told = trainyard("rehearse", *arguments)
    assert told.returncode == 2
    assert said in told.stderr
    assert "Traceback" not in told.stderr


def test_help_lists_what_a_person_can_do() -> None:
    told = trainyard("--help")
    assert "plan" in told.stdout
    assert "rehearse" in told.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_disk_that_fills_up_is_told_with_the_remedy(tmp_path: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", tmp_path], check=True)
    try:
        told = rehearse(tmp_path, *quick())
    finally:
        subprocess.run(["umount", tmp_path], check=True)
    assert told.returncode == 2
    assert "is full. Make room there" in told.stderr
    assert "Traceback" not in told.stderr


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rehearsal")
    told = rehearse(folder, *quick())
    assert told.returncode == 0, told.stdout + told.stderr
    assert all(ran(told.stdout).values())
    return folder


def test_a_rehearsal_leaves_a_merged_model_a_report_and_a_picture(rehearsed: Path) -> None:
    assert (step_folder(rehearsed, "consolidate") / "model" / "model.safetensors").is_file()
    assert json.loads((step_folder(rehearsed, "test") / "report.json").read_text())["tuned"]["rows"] == 3
    picture = (rehearsed / "reports" / "llama3-8b-text-to-sql" / "loss.png").read_bytes()
    assert picture.startswith(b"\x89PNG")


def test_a_rehearsal_leaves_a_run_card_of_all_its_steps(rehearsed: Path) -> None:
    (place,) = (rehearsed / "runs" / "llama3-8b-text-to-sql").glob("keep-*/card")
    found = card.read(place)
    assert [(step["name"], step["done"], step["starts"]) for step in found["steps"]] == [
        (name, True, 1) for name in ("base", "prepare", "train", "consolidate", "test")
    ]
    assert all(step["seconds"] > 0 for step in found["steps"])
    assert found["tests"]["test"]["tuned"]["rows"] == 3
    assert len(found["data"]["fingerprint"]) == 64
    assert found["trainings"]["train"]["steps_done"] == QUICK["max_steps"]
    assert found["weights"] > 100_000
    assert found["trainings"]["train"]["mfu"]["unknown"] == ["peak speed"]
    assert (place / card.PAGE_FILE).read_text().startswith("<!doctype html>")


def test_a_rehearsal_that_is_over_is_followed_to_its_end(rehearsed: Path) -> None:
    told = trainyard("follow", "--folder", str(rehearsed))
    assert told.returncode == 0, told.stderr
    assert "all 6 steps are done" in told.stdout


def test_a_second_rehearsal_has_nothing_to_do(rehearsed: Path) -> None:
    told = rehearse(rehearsed, *quick())
    assert told.returncode == 0
    assert not any(ran(told.stdout).values())
    assert "model:" in told.stdout


def test_a_changed_learning_rate_trains_anew_but_prepares_nothing(rehearsed: Path, tmp_path: Path) -> None:
    told = rehearse(rehearsed, *quick(learning_rate=1e-3))
    again = {"train", "consolidate", "test", "keep"}
    assert ran(told.stdout) == {"base": False, "prepare": False, **dict.fromkeys(again, True)}


def test_rows_of_ones_own_go_through_all_steps(tmp_path: Path) -> None:
    data = write_rows(tmp_path / "mine.jsonl", different_rows(60, seed=9))
    told = rehearse(tmp_path / "out", "--data", str(data), *quick())
    assert told.returncode == 0, told.stdout + told.stderr
    assert json.loads((step_folder(tmp_path / "out", "prepare") / "data.json").read_text())["rows"] == 60


def test_a_step_that_fails_is_told_with_its_last_words_and_the_next_do_not_run(tmp_path: Path) -> None:
    data = tmp_path / "broken.jsonl"
    data.write_text('{"question": "x"}\n')
    told = rehearse(tmp_path / "out", "--data", str(data), *quick())
    assert told.returncode == 2
    assert f'{data}, line 1: the field "context" is missing' in told.stdout
    assert "step base ended with status 2" in told.stderr
    assert "Traceback" not in told.stdout + told.stderr
    assert not list((tmp_path / "out" / "runs" / "llama3-8b-text-to-sql").glob("prepare-*"))


def test_a_rehearsal_whose_training_is_killed_goes_on_from_its_checkpoint(rehearsed: Path, tmp_path: Path) -> None:
    arguments = quick(max_steps=60)
    command = [
        sys.executable,
        "-m",
        "stacks",
        "rehearse",
        "llama3-8b-text-to-sql",
        "--folder",
        str(rehearsed),
        *arguments,
    ]
    process = subprocess.Popen(
        command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    trains = rehearsed / "runs" / "llama3-8b-text-to-sql"
    before = set(trains.glob("train-*"))
    new: set[Path] = set()
    while not any(event.get("step", 0) >= 6 for folder in new for event in journal.read(folder)):
        time.sleep(0.02)
        new = set(trains.glob("train-*")) - before
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    (folder,) = new
    assert not folders.is_done(folder)
    told = rehearse(rehearsed, *arguments)
    assert told.returncode == 0
    assert "resume" in [event["event"] for event in journal.read(folder)]
