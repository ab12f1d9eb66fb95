"""After training: the merged model is the trained one, loads anywhere, and is tested against its base."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.conftest import as_argv
from workloads.programs import blocks, entry, finetune, folders, journal
from workloads.programs.errors import EXIT_USER_ERROR
from workloads.programs.finetune import RESUMABLE
from workloads.programs.packing import inputs_and_labels
from workloads.programs.text_to_sql import consolidate, score
from workloads.programs.text_to_sql import test as sql_test

Make = Callable[..., dict[str, Any]]


@pytest.fixture
def trained(train_arguments: Make) -> Path:
    arguments = train_arguments(max_steps=6)
    entry.main(finetune.Arguments, finetune.finetune, as_argv(arguments), resumable=RESUMABLE)
    return arguments["out"]


@pytest.fixture
def merged(tmp_path: Path, trained: Path, prepared: Path, tiny_base: Path) -> Path:
    assert run_consolidate(tmp_path / "consolidate", trained, prepared, tiny_base) == 0
    return tmp_path / "consolidate"


def run_consolidate(out: Path, trained: Path, prepared: Path, tiny_base: Path) -> int:
    model = {"model": tiny_base / "model", "model_revision": "main", "precision": "fp32"}
    argv = as_argv({"out": out, "train": trained, "data": prepared, **model})
    return entry.main(consolidate.Arguments, consolidate.consolidate, argv)


def run_test(out: Path, merged: Path, prepared: Path, tiny_base: Path, **changes: Any) -> int:
    arguments = {
        "out": out,
        "data": prepared,
        "tuned": merged,
        "model": tiny_base / "model",
        "model_revision": "main",
        "precision": "fp32",
        "rows": 5,
        "max_new_tokens": 8,
        "batch": 2,
        "examples": 2,
        **changes,
    }
    return entry.main(sql_test.Arguments, sql_test.test, as_argv(arguments))


def held_out_loss(model: Path, data: Path) -> float:
    """The mean loss a token over the held-out blocks, by plain transformers."""
    inputs, labels = (torch.from_numpy(part) for part in inputs_and_labels(blocks.read(data / "eval.npy")))
    with torch.no_grad():
        return AutoModelForCausalLM.from_pretrained(model)(input_ids=inputs, labels=labels).loss.item()


def test_the_merged_model_has_the_held_out_loss_that_training_ended_with(
    merged: Path, trained: Path, prepared: Path
) -> None:
    last = [event["loss"] for event in journal.read(trained) if event["event"] == "eval"][-1]
    assert held_out_loss(merged / "model", prepared) == pytest.approx(last, rel=1e-4)


def test_the_merged_model_comes_with_its_tokenizer_and_knows_where_to_stop(merged: Path, prepared: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(merged / "model")
    assert tokenizer.chat_template == AutoTokenizer.from_pretrained(prepared / "tokenizer").chat_template
    config = json.loads((merged / "model" / "generation_config.json").read_text())
    assert tokenizer.convert_tokens_to_ids("<|eot_id|>") in config["eos_token_id"]
    assert tokenizer.eos_token_id in config["eos_token_id"]


def test_the_merged_weights_are_safetensors_alone(merged: Path) -> None:
    assert list((merged / "model").glob("*.safetensors"))
    assert not list((merged / "model").glob("*.bin"))


def test_a_training_that_is_not_done_is_not_merged(
    tmp_path: Path, trained: Path, prepared: Path, tiny_base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (trained / folders.MARKER).unlink()
    assert run_consolidate(tmp_path / "out", trained, prepared, tiny_base) == EXIT_USER_ERROR
    assert "has not ended" in capsys.readouterr().err


def test_the_report_sets_base_against_tuned_on_held_out_rows(
    tmp_path: Path, merged: Path, prepared: Path, tiny_base: Path
) -> None:
    assert run_test(tmp_path / "test", merged, prepared, tiny_base) == 0
    report = json.loads((tmp_path / "test" / "report.json").read_text())
    held_out = [json.loads(line)["question"] for line in (prepared / "eval.jsonl").read_text().splitlines()]
    assert [row["question"] for row in report["rows"]] == held_out[:5]
    assert report["base"]["rows"] == report["tuned"]["rows"] == 5
    text = (tmp_path / "test" / "report.md").read_text()
    assert "| execution match |" in text
    assert text.count("- reference:") == 2


def test_the_size_of_a_batch_changes_no_answer(tmp_path: Path, merged: Path, prepared: Path, tiny_base: Path) -> None:
    for batch in (1, 4):
        run_test(tmp_path / str(batch), merged, prepared, tiny_base, batch=batch)
    assert (tmp_path / "1" / "report.json").read_text() == (tmp_path / "4" / "report.json").read_text()


def test_scores_are_shares_of_the_rows_that_can_be_judged() -> None:
    answers = [
        score.Answer("SELECT 1", exact=True, executes_alike=True, error=""),
        score.Answer("SELECT 2", exact=False, executes_alike=True, error=""),
        score.Answer("SELECT 3", exact=False, executes_alike=False, error=""),
        score.Answer("SELECT 4", exact=False, executes_alike=None, error="no such table"),
    ]
    assert score.score(answers) == score.Score(rows=4, executable=3, exact_match=0.25, execution_match=2 / 3)
