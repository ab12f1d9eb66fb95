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
from workloads.programs import blocks, entry, folders, hub, journal
from workloads.programs.dolly import base, consolidate, generate, prepare, prompt, train
from workloads.programs.errors import EXIT_USER_ERROR
from workloads.programs.finetune import RESUMABLE
from workloads.programs.packing import EMPTY, inputs_and_labels

SAMPLING = {"temperature": 0.9, "top_k": 50, "top_p": 0.9}
ROW = {"instruction": "What is it?", "context": "It is a cup.", "response": "A cup."}


@pytest.fixture(scope="module")
def dolly_rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rows(tmp_path_factory.mktemp("rows") / "rows.jsonl", made_up(120))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory, dolly_rows: Path) -> Path:
    out = tmp_path_factory.mktemp("base") / "base"
    arguments = {"out": out, "dataset": dolly_rows, "dataset_revision": "main", "vocabulary": 400, "seed": 1}
    assert entry.main(base.Arguments, base.make_base, as_argv(arguments)) == 0
    return out


def run_prepare(out: Path, dataset: Path, tiny: Path, **changes: Any) -> int:
    rows = {"dataset": dataset, "dataset_revision": "main", "train_rows": 1000, "eval_rows": 10, "shuffle_seed": 1}
    model = {"tokenizer": tiny / "model", "tokenizer_revision": "main", "block_size": 128, "processes": 1}
    return entry.main(prepare.Arguments, prepare.prepare, as_argv({"out": out, **rows, **model, **changes}))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, dolly_rows: Path, tiny: Path) -> Path:
    out = tmp_path_factory.mktemp("prepare") / "prepare"
    assert run_prepare(out, dolly_rows, tiny) == 0
    return out


@pytest.fixture
def training(train_arguments: Callable[..., dict[str, Any]], data: Path, tiny: Path) -> Callable[..., dict[str, Any]]:
    def make(**changes: Any) -> dict[str, Any]:
        all_weights = {"lora_rank": 0, "max_steps": 4, "epochs": 0, "eval_every": 4, "checkpoint_every": 4}
        return train_arguments(data=data, model=tiny / "model", **{**all_weights, **changes})

    return make


def run_train(arguments: dict[str, Any]) -> int:
    return entry.main(train.Arguments, train.train, as_argv(arguments), resumable=RESUMABLE)


def run_consolidate(out: Path, trained: Path, data: Path) -> int:
    arguments = {"out": out, "train": trained, "data": data, "precision": "fp32", **SAMPLING}
    return entry.main(consolidate.Arguments, consolidate.consolidate, as_argv(arguments))


@pytest.fixture
def whole(tmp_path: Path, training: Callable[..., dict[str, Any]], data: Path) -> Path:
    assert run_train(training()) == 0
    assert run_consolidate(tmp_path / "consolidate", tmp_path / "train", data) == 0
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


def test_a_text_in_tokens_begins_and_ends_with_the_models_own_marks_and_begins_as_its_prompt(tiny: Path) -> None:
    tokenizer = hub.load_tokenizer(str(tiny / "model"))
    (ids,) = prompt.token_ids({key: [value] for key, value in ROW.items()}, tokenizer)
    asked = tokenizer(prompt.begin(tokenizer, prompt.open_prompt(ROW)), add_special_tokens=False)["input_ids"]
    assert (ids[0], ids[-1]) == (tokenizer.bos_token_id, tokenizer.eos_token_id)
    assert tokenizer.decode(ids).startswith(tokenizer.decode(asked))


# the data


def test_blocks_hold_each_text_whole_and_held_out_rows_are_not_trained_on(data: Path) -> None:
    tokenizer = hub.load_tokenizer(str(data / "tokenizer"))
    texts = {name: [tokenizer.decode(one[one != EMPTY]) for one in blocks.read(data / f"{name}.npy")] for name in PARTS}
    held_out = [json.loads(line) for line in (data / "eval.jsonl").read_text().splitlines()]
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
    tmp_path: Path, tiny: Path, content: bytes, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rows.jsonl").write_bytes(content)
    assert run_prepare(tmp_path / "out", tmp_path / "rows.jsonl", tiny) == EXIT_USER_ERROR
    assert said in capsys.readouterr().err
    assert not folders.is_done(tmp_path / "out")


def test_a_row_that_is_longer_than_a_block_is_left_out_and_counted(tmp_path: Path, tiny: Path) -> None:
    rows = [*made_up(60), {**ROW, "response": "word " * 400}]
    assert run_prepare(tmp_path / "out", write_rows(tmp_path / "rows.jsonl", rows), tiny) == 0
    counts = json.loads((tmp_path / "out" / "data.json").read_text())
    assert counts["train"]["too_long"] + counts["eval"]["too_long"] == 1


# training every weight


def test_so_many_epochs_are_so_many_times_the_whole_batches_of_the_data(
    training: Callable[..., dict[str, Any]], data: Path
) -> None:
    count = len(blocks.read(data / "train.npy"))
    arguments = training(max_steps=0, epochs=2, micro_batch=2, accumulation=3, checkpoint_every=1000)
    assert run_train(arguments) == 0
    steps = [event["step"] for event in journal.read(arguments["out"]) if event["event"] == "step"]
    assert steps[-1] == len(steps) == 2 * (count // 6)


def test_the_processes_that_hold_one_model_together_count_as_one_rank(
    training: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """32 NeuronCores at degree 8 are 4 ranks, which read 4 × 16 blocks a step: the guide's 64 sequences."""
    monkeypatch.setenv("WORLD_SIZE", "32")
    given = training(max_steps=0, epochs=3, micro_batch=1, accumulation=16, tensor_parallel_degree=8)
    assert train.steps_of(train.Arguments(**given), blocks_=1400) == 3 * (1400 // 64)


def test_data_for_less_than_one_step_is_told_with_the_sum(
    training: Callable[..., dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_train(training(max_steps=0, epochs=3, micro_batch=500)) == EXIT_USER_ERROR
    assert "500 a micro-batch × 2 accumulated × 1 data-parallel ranks" in capsys.readouterr().err


def test_every_weight_moves(whole: Path, tiny: Path) -> None:
    before = AutoModelForCausalLM.from_pretrained(tiny / "model").state_dict()
    after = AutoModelForCausalLM.from_pretrained(whole / "model").state_dict()
    assert set(before) == set(after)
    assert not [name for name in before if torch.equal(before[name], after[name])]


# one whole model


def test_the_whole_model_has_the_held_out_loss_that_training_ended_with(
    whole: Path, tmp_path: Path, data: Path
) -> None:
    last = [event["loss"] for event in journal.read(tmp_path / "train") if event["event"] == "eval"][-1]
    inputs, labels = (torch.from_numpy(part) for part in inputs_and_labels(np.array(blocks.read(data / "eval.npy"))))
    with torch.no_grad():
        loss = AutoModelForCausalLM.from_pretrained(whole / "model")(input_ids=inputs, labels=labels).loss.item()
    assert loss == pytest.approx(last, rel=1e-4)


def test_the_whole_model_knows_how_the_guide_samples_and_where_to_stop(whole: Path) -> None:
    config = GenerationConfig.from_pretrained(whole / "model")
    tokenizer = hub.load_tokenizer(str(whole / "model"))
    assert (config.do_sample, config.temperature, config.top_k, config.top_p) == (True, 0.9, 50, 0.9)
    assert config.eos_token_id == tokenizer.eos_token_id


def test_a_model_that_lacks_a_weight_is_refused_rather_than_filled_up_with_random_ones(
    training: Callable[..., dict[str, Any]], tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from safetensors.torch import load_file, save_file

    run_train(training())
    file = tmp_path / "train" / "model" / "model.safetensors"
    weights = load_file(file)
    del weights["lm_head.weight"]
    save_file(weights, file, metadata={"format": "pt"})
    folders.mark_done(tmp_path / "train")
    assert run_consolidate(tmp_path / "out", tmp_path / "train", data) == EXIT_USER_ERROR
    assert "missing keys: lm_head.weight" in capsys.readouterr().err


def test_a_training_that_left_neither_model_nor_shards_is_told(
    training: Callable[..., dict[str, Any]], tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_train(training())
    (tmp_path / "train" / "model" / "model.safetensors").unlink()
    folders.mark_done(tmp_path / "train")
    assert run_consolidate(tmp_path / "out", tmp_path / "train", data) == EXIT_USER_ERROR
    assert "neither a model (*.safetensors) nor its shards (shards/)" in capsys.readouterr().err


# answers


def test_held_out_rows_are_asked_and_set_beside_their_references(whole: Path, data: Path, tmp_path: Path) -> None:
    assert run_generate(tmp_path / "generate", whole, data) == 0
    held_out = [json.loads(line) for line in (data / "eval.jsonl").read_text().splitlines()]
    made = report(tmp_path / "generate")
    assert [row["instruction"] for row in made["rows"]] == [row["instruction"] for row in held_out[:4]]
    assert made["references"] == 4
    assert (tmp_path / "generate" / "report.md").read_text().count("- reference:") == 4


def test_prompts_come_from_a_file_and_need_no_reference(whole: Path, data: Path, tmp_path: Path) -> None:
    asked = [{"instruction": "What is 2 plus 2?"}, {"instruction": "Which colour?", "context": "It is red."}]
    file = write_rows(tmp_path / "asked.jsonl", asked)
    assert run_generate(tmp_path / "generate", whole, data, prompts=file) == 0
    made = report(tmp_path / "generate")
    assert [row["instruction"] for row in made["rows"]] == ["What is 2 plus 2?", "Which colour?"]
    assert (made["answers"], made["references"]) == (2, 0)


def test_the_same_seed_draws_the_same_answers_and_another_others(whole: Path, data: Path, tmp_path: Path) -> None:
    for name, seed in (("one", 3), ("same", 3), ("other", 4)):
        assert run_generate(tmp_path / name, whole, data, seed=seed) == 0
    assert report(tmp_path / "one") == report(tmp_path / "same") != report(tmp_path / "other")


def test_an_answer_holds_neither_the_prompt_nor_marks(whole: Path, data: Path, tmp_path: Path) -> None:
    run_generate(tmp_path / "generate", whole, data)
    for row in report(tmp_path / "generate")["rows"]:
        assert row["instruction"] not in row["answer"]
        assert "<|" not in row["answer"]


def test_a_prompt_that_is_too_long_is_told_before_a_model_is_loaded(
    whole: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_rows(tmp_path / "asked.jsonl", [{"instruction": "Short?"}, {"instruction": "word " * 200}])
    assert run_generate(tmp_path / "generate", whole, data, prompts=file) == EXIT_USER_ERROR
    assert "Prompt 2 of" in (said := capsys.readouterr().err)
    assert "At the most 120 fit: 128 (export_sequence_length) less 8 (max_new_tokens)" in said


def test_answers_are_counted_as_they_are() -> None:
    asked = [{**ROW, "response": "A  cup."}, ROW, {**ROW, "response": ""}]
    made = generate.make_report(asked, ["A cup.", "", "Something."])
    assert (made["answers"], made["references"], made["same"], made["empty"]) == (3, 2, 1, 1)
    assert generate.in_words(made) == "3 prompts answered, 1 of 2 word for word as the reference, 1 with nothing"
