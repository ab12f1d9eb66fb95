"""From what training left to a tested model, and what the report makes of a journal."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import as_argv
from workloads.programs import entry, folders, journal, shards
from workloads.programs.errors import EXIT_USER_ERROR
from workloads.programs.pretraining import compile as compile_
from workloads.programs.pretraining import consolidate, report, test
from workloads.programs.pretraining.worker import Arguments, shortened, work, write_config

Make = Callable[..., dict[str, Any]]


@pytest.fixture
def trained(pretrain_arguments: Make, tmp_path: Path) -> Path:
    """A done training, by this process alone."""
    arguments = pretrain_arguments(workers=1)
    out = arguments["out"]
    write_config(Arguments(**arguments), tmp_path / "config")
    out.mkdir()
    work(Arguments(**{**arguments, "data": str(arguments["data"])}), tmp_path / "config", out)
    folders.mark_done(out)
    return out


def test_the_test_finds_the_held_out_loss_that_training_ended_with(
    trained: Path, prepared_corpus: Path, tmp_path: Path
) -> None:
    joined = {"out": tmp_path / "whole", "train": trained, "data": prepared_corpus, "precision": "fp32"}
    assert entry.main(consolidate.Arguments, consolidate.consolidate, as_argv(joined)) == 0
    asked = {
        "out": tmp_path / "test",
        "data": prepared_corpus,
        "model": tmp_path / "whole" / "model",
        "precision": "fp32",
        "blocks": 100,
        "prompts": ["Kardale is a town", "The"],
        "max_new_tokens": 6,
        "batch": 3,
    }
    assert entry.main(test.Arguments, test.test, as_argv(asked)) == 0
    found = json.loads((tmp_path / "test" / "report.json").read_text())
    last = [event["loss"] for event in journal.read(trained) if event["event"] == "eval"][-1]
    assert found["held_out_loss"] == pytest.approx(last, rel=1e-5)
    assert found["perplexity"] == pytest.approx(math.exp(last), rel=1e-4)
    assert [one["prompt"] for one in found["generations"]] == asked["prompts"]
    assert "perplexity" in (tmp_path / "test" / "report.md").read_text()


def test_a_folder_without_a_model_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    with pytest.raises(Exception, match="holds neither a model"):
        shards.gather(tmp_path / "model", tmp_path / "work")


def test_compiling_on_a_processor_is_refused(
    pretrain_arguments: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = {**pretrain_arguments(out=tmp_path / "compile"), "compile_steps": 2}
    assert entry.main(compile_.Arguments, compile_.compile_graphs, as_argv(arguments)) == EXIT_USER_ERROR
    assert "nothing to compile on a processor" in capsys.readouterr().err


def test_a_shortened_training_keeps_the_shapes_of_its_graphs(pretrain_arguments: Make) -> None:
    whole = Arguments(**pretrain_arguments(warmup_steps=30, log_every=10))
    short = shortened(whole, 10)
    assert (short.max_steps, short.log_every, short.eval_every, short.checkpoint_every) == (10, 10, 10, 10)
    assert 0 < short.warmup_steps < 10
    same = ("micro_batch", "accumulation", "hidden_size", "workers", "activation_checkpointing", "data")
    assert [getattr(short, name) for name in same] == [getattr(whole, name) for name in same]


@dataclass
class Llama2:
    hidden_size: int = 4096
    layers: int = 32
    heads: int = 32
    key_value_heads: int = 32
    feed_forward: int = 11008
    vocabulary: int = 32000


def test_llama_2_7b_has_the_weights_that_meta_counts() -> None:
    """6,738,415,616 in all; without the embedding and 65 norms of 4096 they multiply."""
    assert report.multiplying_weights(Llama2()) == 6_738_415_616 - 32000 * 4096 - 65 * 4096


def step(number: int, speed: float | None) -> dict[str, Any]:
    return {"event": "step", "step": number, "loss": 2.0, **({"tokens_per_second": speed} if speed else {})}


def test_throughput_is_over_all_steps_and_mfu_is_its_share_of_the_peak() -> None:
    events = [
        {"event": "eval", "step": 0, "loss": 6.0},
        *(step(1, None), step(2, 100.0), step(3, None), step(4, 300.0)),
        {"event": "resume", "step": 2},
        {"event": "eval", "step": 4, "loss": 3.0},
    ]
    work_done = report.Work(tokens_per_step=600, flops_per_token=10**9, peak_tflops=1.0, wall_seconds=60)
    found = report.summary(events, work_done)
    assert found["training_seconds"] == pytest.approx(1200 / 100 + 1200 / 300)
    assert found["tokens_per_second"] == pytest.approx(2400 / 16)
    assert found["mfu"] == pytest.approx(150 * 1e9 / 1e12)
    assert found["resumes"] == 1
    assert "MFU 15.0%" in report.in_words(found)
    assert "held-out loss 6.000 → 3.000 in 4 steps, 150 tokens/s" in report.in_words(found)


def test_without_a_known_peak_no_mfu_is_made_up() -> None:
    events = [{"event": "eval", "step": 0, "loss": 6.0}, step(1, 10.0)]
    found = report.summary(events, report.Work(10, 10, 0, 1))
    assert found["mfu"] is None
    assert "MFU" not in report.in_words(found)
