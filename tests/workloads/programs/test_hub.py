"""Models and data sets by their names, through the real clients, from a Hub on loopback."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.made_up import different_rows
from tests import hub
from tests.conftest import DATA, as_argv, write_rows
from workloads.programs import folders
from workloads.programs.errors import EXIT_USER_ERROR
from workloads.recipes.sources import ROOT

DATASET, MODEL, TOKENIZER = (
    "b-mc2/sql-create-context",
    "meta-llama/Meta-Llama-3-8B",
    "meta-llama/Meta-Llama-3-8B-Instruct",
)
ROWS = different_rows(60)
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def served(tiny_base: Path) -> Iterator[hub.Hub]:
    with hub.serving() as served:
        model = hub.from_folder(tiny_base / "model", gated=True)
        served.models.update({MODEL: model, TOKENIZER: model})
        content = json.dumps(ROWS).encode()  # the real one is a JSON list, too
        served.datasets[DATASET] = hub.Repository({"README.md": b"", "sql_create_context_v4.json": content})
        yield served


@pytest.fixture
def run(served: hub.Hub, tmp_path: Path) -> Run:
    """Runs a program as a pod would, with the served Hub in place of the real one."""

    def start(step: str, arguments: dict[str, Any], **environment: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", f"programs.text_to_sql.{step}", *as_argv(arguments)]
        settings = {"PYTHONPATH": str(ROOT), "HF_ENDPOINT": served.address, "HF_HOME": str(tmp_path / "home")}
        env = {**{name: value for name, value in os.environ.items() if name != "HF_TOKEN"}, **settings, **environment}
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False)

    return start


def preparing(out: Path, **changes: Any) -> dict[str, Any]:
    names = {"dataset": DATASET, "tokenizer": TOKENIZER, "tokenizer_revision": "main", "processes": 1}
    return {"out": out, **DATA, **names, **changes}


def test_data_and_tokenizer_come_by_name_and_give_what_the_same_rows_in_a_file_give(
    run: Run, tmp_path: Path, tiny_base: Path
) -> None:
    told = run("prepare", preparing(tmp_path / "named"), HF_TOKEN=hub.TOKEN)
    assert told.returncode == 0, told.stderr
    file = write_rows(tmp_path / "rows.jsonl", ROWS)
    run("prepare", preparing(tmp_path / "file", dataset=file, tokenizer=tiny_base / "model"))
    for name in ("train.npy", "eval.npy", "eval.jsonl"):
        assert (tmp_path / "named" / name).read_bytes() == (tmp_path / "file" / name).read_bytes()


def test_training_starts_from_a_model_by_name(run: Run, train_arguments: Callable[..., dict[str, Any]]) -> None:
    arguments = train_arguments(model=MODEL, max_steps=2, warmup_steps=1)
    told = run("train", arguments, HF_TOKEN=hub.TOKEN)
    assert told.returncode == 0, told.stderr
    assert folders.is_done(arguments["out"])


def test_a_gated_model_without_a_token_is_told_with_the_remedy(run: Run, tmp_path: Path) -> None:
    told = run("prepare", preparing(tmp_path / "out"))
    assert told.returncode == EXIT_USER_ERROR
    assert f"{TOKENIZER} is gated" in told.stderr
    assert "pulumi config set --secret trainyard:hfToken" in told.stderr
    assert "Traceback" not in told.stderr
    assert not folders.is_done(tmp_path / "out")


def test_a_repository_that_is_not_there_is_told_as_such(run: Run, tmp_path: Path) -> None:
    told = run("prepare", preparing(tmp_path / "out", tokenizer="meta-llama/Meta-Lama"), HF_TOKEN=hub.TOKEN)
    assert told.returncode == EXIT_USER_ERROR
    assert "meta-llama/Meta-Lama" in told.stderr
    assert "no such repository" in told.stderr


def test_a_data_set_that_is_not_there_is_told_as_such(run: Run, tmp_path: Path) -> None:
    told = run("prepare", preparing(tmp_path / "out", dataset="b-mc2/sql"), HF_TOKEN=hub.TOKEN)
    assert told.returncode == EXIT_USER_ERROR
    assert "b-mc2/sql" in told.stderr
    assert "Traceback" not in told.stderr


def test_a_data_set_of_another_form_is_told_with_the_fields_it_has(run: Run, served: hub.Hub, tmp_path: Path) -> None:
    served.datasets["other/form"] = hub.Repository({"data.jsonl": b'{"prompt": "a", "completion": "b"}\n'})
    told = run("prepare", preparing(tmp_path / "out", dataset="other/form"), HF_TOKEN=hub.TOKEN)
    assert told.returncode == EXIT_USER_ERROR
    assert "has the fields ['prompt', 'completion']" in told.stderr


def test_a_hub_out_of_reach_is_told_as_such(run: Run, tmp_path: Path) -> None:
    told = run("prepare", preparing(tmp_path / "out"), HF_HUB_OFFLINE="1")
    assert told.returncode == EXIT_USER_ERROR
    assert "Traceback" not in told.stderr
