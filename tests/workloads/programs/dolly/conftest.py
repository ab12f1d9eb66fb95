"""A few made-up rows, prepared, and a tiny base: what dolly's programs begin with."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.made_up_dolly import rows as made_up
from tests.conftest import as_argv, write_rows
from workloads.programs import entry
from workloads.programs.dolly import base, prepare

Make = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def dolly_rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rows(tmp_path_factory.mktemp("rows") / "rows.jsonl", made_up(120))


@pytest.fixture(scope="session")
def dolly_base(tmp_path_factory: pytest.TempPathFactory, dolly_rows: Path) -> Path:
    """The folder of a done step `base`: a tokenizer learnt from the rows, and a tiny Llama of random weights."""
    out = tmp_path_factory.mktemp("base") / "base"
    arguments = {"out": out, "dataset": dolly_rows, "dataset_revision": "main", "vocabulary": 400, "seed": 1}
    assert entry.main(base.Arguments, base.make_base, as_argv(arguments)) == 0
    return out


def run_prepare(out: Path, dataset: Path, dolly_base: Path, **changes: Any) -> int:
    rows = {"dataset": dataset, "dataset_revision": "main", "train_rows": 1000, "eval_rows": 10, "shuffle_seed": 1}
    model = {"tokenizer": dolly_base / "model", "tokenizer_revision": "main", "block_size": 128, "processes": 1}
    return entry.main(prepare.Arguments, prepare.prepare, as_argv({"out": out, **rows, **model, **changes}))


@pytest.fixture(scope="session")
def dolly_data(tmp_path_factory: pytest.TempPathFactory, dolly_rows: Path, dolly_base: Path) -> Path:
    """The folder of a done step `prepare`, over the same rows."""
    out = tmp_path_factory.mktemp("prepare") / "prepare"
    assert run_prepare(out, dolly_rows, dolly_base) == 0
    return out


@pytest.fixture
def dolly_arguments(train_arguments: Make, dolly_data: Path, dolly_base: Path) -> Make:
    """Arguments of a step `train` that moves every weight, in a few seconds; keywords change them."""

    def make(**changes: Any) -> dict[str, Any]:
        all_weights = {"lora_rank": 0, "max_steps": 4, "epochs": 0, "eval_every": 4, "checkpoint_every": 4}
        return train_arguments(data=dolly_data, model=dolly_base / "model", **{**all_weights, **changes})

    return make
