"""A small corpus, prepared: what a pretraining reads."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import PROJECT, as_argv
from workloads.programs import entry
from workloads.programs.pretraining import prepare, tokenizer

SAMPLE = PROJECT / "workloads" / "samples" / "articles.jsonl"
WHERE = {"corpus_revision": "main", "corpus_files": "*", "corpus_field": "text"}


@pytest.fixture(scope="session")
def small_tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tokenizer learnt from the project's own articles."""
    out = tmp_path_factory.mktemp("tokenizer") / "tokenizer"
    arguments = {"out": out, "corpus": SAMPLE, **WHERE, "vocabulary": 512}
    assert entry.main(tokenizer.Arguments, tokenizer.make_tokenizer, as_argv(arguments)) == 0
    return out / "model"


def run_prepare(out: Path, corpus: Path | str, tokenizer_: Path, **changes: Any) -> int:
    arguments = {
        "out": out,
        "corpus": corpus,
        **WHERE,
        "tokenizer": tokenizer_,
        "tokenizer_revision": "main",
        "block_size": 64,
        "eval_blocks": 8,
        "train_blocks": 0,
        "processes": 1,
    }
    return entry.main(prepare.Arguments, prepare.prepare, as_argv({**arguments, **changes}))


@pytest.fixture(scope="session")
def prepared_corpus(tmp_path_factory: pytest.TempPathFactory, small_tokenizer: Path) -> Path:
    """The folder of a done step `prepare` over the project's own articles."""
    out = tmp_path_factory.mktemp("prepare") / "prepare"
    assert run_prepare(out, SAMPLE, small_tokenizer) == 0
    return out


@pytest.fixture
def pretrain_arguments(tmp_path: Path, prepared_corpus: Path) -> Callable[..., dict[str, Any]]:
    """Arguments of the step `train` that take a few seconds of training; keywords change them."""

    def make(**changes: Any) -> dict[str, Any]:
        return {
            "out": tmp_path / "train",
            "data": prepared_corpus,
            "backend": "cpu",
            "tensor_parallel_degree": 1,
            "precision": "fp32",
            "max_steps": 40,
            "micro_batch": 4,
            "accumulation": 1,
            "learning_rate": 3e-3,
            "warmup_steps": 4,
            "weight_decay": 0.01,
            "max_grad_norm": 1.0,
            "seed": 12349,
            "log_every": 1,
            "eval_every": 20,
            "checkpoint_every": 5,
            "keep_checkpoints": 2,
            "resume_from": "",
            "hidden_size": 64,
            "layers": 2,
            "heads": 4,
            "key_value_heads": 4,
            "feed_forward": 176,
            "vocabulary": 512,
            "rms_norm_eps": 1e-5,
            "workers": 2,
            "activation_checkpointing": "selective",
            "max_failures": 3,
            "peak_tflops": 1,
            **changes,
        }

    return make


def a_worker_of(process: int) -> int:
    """The process id of one of the Ray workers below `process` that train."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    for child in map(int, children):
        try:
            command = Path(f"/proc/{child}/cmdline").read_bytes()
        except FileNotFoundError:
            continue
        if command.startswith(b"ray::") and b"TrainWorker" in command:
            return child
        found = a_worker_of(child)
        if found:
            return found
    return 0
