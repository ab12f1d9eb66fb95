"""Dolly's programs: the guide's prompt everywhere alike, whole epochs, one whole model, and its answers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, GenerationConfig

from benchmarks.made_up_dolly import rows as made_up
from tests.conftest import as_argv, write_rows
from tests.workloads.programs.dolly.conftest import run_prepare
from workloads.programs import blocks, entry, folders, hub, journal
from workloads.programs.dolly import consolidate, generate, prompt, train
from workloads.programs.errors import EXIT_USER_ERROR
from workloads.programs.finetune import RESUMABLE
from workloads.programs.packing import EMPTY, inputs_and_labels

SAMPLING = {"temperature": 0.9, "top_k": 50, "top_p": 0.9}
ROW = {"instruction": "What is it?", "context": "It is a cup.", "response": "A cup."}


def run_train(arguments: dict[str, Any]) -> int:
    return entry.main(train.Arguments, train.train, as_argv(arguments), resumable=RESUMABLE)


def run_consolidate(out: Path, trained: Path, data: Path) -> int:
    arguments = {"out": out, "train": trained, "data": data, "precision": "fp32", **SAMPLING}
    return entry.main(consolidate.Arguments, consolidate.consolidate, as_argv(arguments))


@pytest.fixture
def whole(tmp_path: Path, dolly_arguments: Callable[..., dict[str, Any]], dolly_data: Path) -> Path:
    assert run_train(dolly_arguments()) == 0
    assert run_consolidate(tmp_path / "consolidate", tmp_path / "train", dolly_data) == 0
    return tmp_path / "consolidate"


def run_generate(out: Path, whole: Path, data: Path, **changes: Any) -> int:
    how = {"batch": 2, "sequence_length": 128, "max_new_tokens": 8, **SAMPLING, "seed": 3}
    asked = {"backend": "cpu", "prompts": "", "rows": 4, "precision": "fp32"}
    arguments = {"out": out, "model": whole, "consolidated": whole, "data": data, **asked, **how, **changes}
    return entry.main(generate.Arguments, generate.generate, as_argv(arguments))


def report(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "report.json").read_text())


# the prompt


def test_a_row_is_the_guides_text() -> None:
    assert prompt.text(ROW) == "### Instruction\nWhat is it?\n\n### Context\nIt is a cup.\n\n### Answer\nA cup."


@pytest.mark.parametrize("context", ["", "  \n"])
def test_an_empty_context_has_no_heading_in_training_nor_in_generation(context: str) -> None:
    row = {**ROW, "context": context}
    assert prompt.open_prompt(row) == "### Instruction\nWhat is it?\n\n### Answer\n"
    assert prompt.open_prompt({"instruction": "What is it?"}) == prompt.open_prompt(row)
    assert prompt.text(row) == prompt.open_prompt(row) + row["response"]


def test_a_text_in_tokens_begins_and_ends_with_the_models_own_marks_and_begins_as_its_prompt(dolly_base: Path) -> None:
    tokenizer = hub.load_tokenizer(str(dolly_base / "model"))
    (ids,) = prompt.token_ids({key: [value] for key, value in ROW.items()}, tokenizer)
    asked = tokenizer(prompt.begin(tokenizer, prompt.open_prompt(ROW)), add_special_tokens=False)["input_ids"]
    assert (ids[0], ids[-1]) == (tokenizer.bos_token_id, tokenizer.eos_token_id)
    assert tokenizer.decode(ids).startswith(tokenizer.decode(asked))


# the data


def test_blocks_hold_each_text_whole_and_held_out_rows_are_not_trained_on(dolly_data: Path) -> None:
    tokenizer = hub.load_tokenizer(str(dolly_data / "tokenizer"))
    texts = {
        name: [tokenizer.decode(one[one != EMPTY]) for one in blocks.read(dolly_data / f"{name}.npy")] for name in PARTS
    }
    held_out = [json.loads(line) for line in (dolly_data / "eval.jsonl").read_text().splitlines()]
    assert len(held_out) == 10
    for row in held_out:
        text = prompt.begin(tokenizer, prompt.text(row)) + tokenizer.eos_token
        assert any(text in block for block in texts["eval"])
        assert not any(text in block for block in texts["train"])


PARTS = ("train", "eval")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b'{"instruction": "x", "context": "", "response"', "line 1: not JSON"),
        (b'{"instruction": "x", "context": ""}', 'line 1: the field "response" is missing'),
        (b'{"instruction": "caf\xe9", "context": "", "response": "x"}', "line 1: not UTF-8"),
        (b'{"instruction": "x", "context": 7, "response": "x"}', 'the field "context" holds 7'),
    ],
)
def test_a_broken_data_file_is_told_by_line(
    tmp_path: Path, dolly_base: Path, content: bytes, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rows.jsonl").write_bytes(content)
    assert run_prepare(tmp_path / "out", tmp_path / "rows.jsonl", dolly_base) == EXIT_USER_ERROR
    assert said in capsys.readouterr().err
    assert not folders.is_done(tmp_path / "out")


def test_a_row_that_is_longer_than_a_block_is_left_out_and_counted(tmp_path: Path, dolly_base: Path) -> None:
    rows = [*made_up(60), {**ROW, "response": "word " * 400}]
    assert run_prepare(tmp_path / "out", write_rows(tmp_path / "rows.jsonl", rows), dolly_base) == 0
    counts = json.loads((tmp_path / "out" / "data.json").read_text())
    assert counts["train"]["too_long"] + counts["eval"]["too_long"] == 1


# training every weight


def test_so_many_epochs_are_so_many_times_the_whole_batches_of_the_data(
    dolly_arguments: Callable[..., dict[str, Any]], dolly_data: Path
) -> None:
    count = len(blocks.read(dolly_data / "train.npy"))
    arguments = dolly_arguments(max_steps=0, epochs=2, micro_batch=2, accumulation=3, checkpoint_every=1000)
    assert run_train(arguments) == 0
    steps = [event["step"] for event in journal.read(arguments["out"]) if event["event"] == "step"]
    assert steps[-1] == len(steps) == 2 * (count // 6)


def test_the_processes_that_hold_one_model_together_count_as_one_rank(
    dolly_arguments: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """32 NeuronCores at degree 8 are 4 ranks, which read 4 × 16 blocks a step: the guide's 64 sequences."""
    monkeypatch.setenv("WORLD_SIZE", "32")
    given = dolly_arguments(max_steps=0, epochs=3, micro_batch=1, accumulation=16, tensor_parallel_degree=8)
    assert train.steps_of(train.Arguments(**given), blocks_=1400) == 3 * (1400 // 64)


def test_data_for_less_than_one_step_is_told_with_the_sum(
    dolly_arguments: Callable[..., dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_train(dolly_arguments(max_steps=0, epochs=3, micro_batch=500)) == EXIT_USER_ERROR
    assert "500 a micro-batch × 2 accumulated × 1 data-parallel ranks" in capsys.readouterr().err


def test_every_weight_moves(whole: Path, dolly_base: Path) -> None:
    before = AutoModelForCausalLM.from_pretrained(dolly_base / "model").state_dict()
    after = AutoModelForCausalLM.from_pretrained(whole / "model").state_dict()
    assert set(before) == set(after)
    assert not [name for name in before if torch.equal(before[name], after[name])]


# one whole model


def test_the_whole_model_has_the_held_out_loss_that_training_ended_with(
    whole: Path, tmp_path: Path, dolly_data: Path
) -> None:
    last = [event["loss"] for event in journal.read(tmp_path / "train") if event["event"] == "eval"][-1]
    inputs, labels = map(torch.from_numpy, inputs_and_labels(np.array(blocks.read(dolly_data / "eval.npy"))))
    with torch.no_grad():
        loss = AutoModelForCausalLM.from_pretrained(whole / "model")(input_ids=inputs, labels=labels).loss.item()
    assert loss == pytest.approx(last, rel=1e-4)


def test_the_whole_model_knows_how_the_guide_samples_and_where_to_stop(whole: Path) -> None:
    config = GenerationConfig.from_pretrained(whole / "model")
    tokenizer = hub.load_tokenizer(str(whole / "model"))
    assert (config.do_sample, config.temperature, config.top_k, config.top_p) == (True, 0.9, 50, 0.9)
    assert config.eos_token_id == tokenizer.eos_token_id


def test_a_model_that_lacks_a_weight_is_refused_rather_than_filled_up_with_random_ones(
    dolly_arguments: Callable[..., dict[str, Any]], tmp_path: Path, dolly_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from safetensors.torch import load_file, save_file

    run_train(dolly_arguments())
    file = tmp_path / "train" / "model" / "model.safetensors"
    weights = load_file(file)
    del weights["lm_head.weight"]
    save_file(weights, file, metadata={"format": "pt"})
    folders.mark_done(tmp_path / "train")
    assert run_consolidate(tmp_path / "out", tmp_path / "train", dolly_data) == EXIT_USER_ERROR
    assert "missing keys: lm_head.weight" in capsys.readouterr().err


def test_a_training_that_left_neither_model_nor_shards_is_told(
    dolly_arguments: Callable[..., dict[str, Any]], tmp_path: Path, dolly_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_train(dolly_arguments())
    (tmp_path / "train" / "model" / "model.safetensors").unlink()
    folders.mark_done(tmp_path / "train")
    assert run_consolidate(tmp_path / "out", tmp_path / "train", dolly_data) == EXIT_USER_ERROR
    assert "neither a model (*.safetensors) nor its shards (shards/)" in capsys.readouterr().err


# answers


def test_held_out_rows_are_asked_and_set_beside_their_references(whole: Path, dolly_data: Path, tmp_path: Path) -> None:
    assert run_generate(tmp_path / "generate", whole, dolly_data) == 0
    held_out = [json.loads(line) for line in (dolly_data / "eval.jsonl").read_text().splitlines()]
    made = report(tmp_path / "generate")
    assert [row["instruction"] for row in made["rows"]] == [row["instruction"] for row in held_out[:4]]
    assert made["references"] == 4
    assert (tmp_path / "generate" / "report.md").read_text().count("- reference:") == 4


def test_prompts_come_from_a_file_and_need_no_reference(whole: Path, dolly_data: Path, tmp_path: Path) -> None:
    asked = [{"instruction": "What is 2 plus 2?"}, {"instruction": "Which colour?", "context": "It is red."}]
    file = write_rows(tmp_path / "asked.jsonl", asked)
    assert run_generate(tmp_path / "generate", whole, dolly_data, prompts=file) == 0
    made = report(tmp_path / "generate")
    assert [row["instruction"] for row in made["rows"]] == ["What is 2 plus 2?", "Which colour?"]
    assert (made["answers"], made["references"]) == (2, 0)


def test_the_same_seed_draws_the_same_answers_and_another_others(whole: Path, dolly_data: Path, tmp_path: Path) -> None:
    for name, seed in (("one", 3), ("same", 3), ("other", 4)):
        assert run_generate(tmp_path / name, whole, dolly_data, seed=seed) == 0
    assert report(tmp_path / "one") == report(tmp_path / "same") != report(tmp_path / "other")


def test_an_answer_holds_neither_the_prompt_nor_marks(whole: Path, dolly_data: Path, tmp_path: Path) -> None:
    run_generate(tmp_path / "generate", whole, dolly_data)
    for row in report(tmp_path / "generate")["rows"]:
        assert row["instruction"] not in row["answer"]
        assert "<|" not in row["answer"]


def test_a_prompt_that_is_too_long_is_told_before_a_model_is_loaded(
    whole: Path, dolly_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_rows(tmp_path / "asked.jsonl", [{"instruction": "Short?"}, {"instruction": "word " * 200}])
    assert run_generate(tmp_path / "generate", whole, dolly_data, prompts=file) == EXIT_USER_ERROR
    assert "Prompt 2 of" in (said := capsys.readouterr().err)
    assert "At the most 120 fit: 128 (export_sequence_length) less 8 (max_new_tokens)" in said


def test_answers_are_counted_as_they_are() -> None:
    asked = [{**ROW, "response": "A  cup."}, ROW, {**ROW, "response": ""}]
    made = generate.make_report(asked, ["A cup.", "", "Something."])
    assert (made["answers"], made["references"], made["same"], made["empty"]) == (3, 2, 1, 1)
    assert generate.in_words(made) == "3 prompts answered, 1 of 2 word for word as the reference, 1 with nothing"
