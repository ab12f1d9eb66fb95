"""The steps around training: what the compiler says counts more than its exit status; a model is whole, or not done."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import PROJECT, as_argv
from workloads.programs import folders, journal
from workloads.programs.megatron import repository
from workloads.programs.megatron.convert import Arguments as ConvertArguments
from workloads.programs.megatron.convert import model_config

from .commands import arguments
from .test_checkpoints import make

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a program with commands and a repository of the test's own."""
    for name in ("bin", "home/nemo/examples/nlp/language_modeling/checkpoint_conversion"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("data", "tokenizer"):
        (tmp_path / name).mkdir()

    def start(program: str, given: dict[str, Any]) -> "subprocess.CompletedProcess[str]":
        own = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "NEURONX_NEMO_MEGATRON": str(tmp_path / "home")}
        return subprocess.run(
            [sys.executable, "-m", f"programs.megatron.{program}", *as_argv(given)],
            env={**os.environ, **own, "PYTHONPATH": str(PROJECT / "workloads")},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return start


def script(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


COMPILER = """#!/bin/sh
echo "INFO ||NEURON_PARALLEL_COMPILE||: Total graphs: 22"
echo "INFO ||NEURON_PARALLEL_COMPILE||: Total successful compilations: {good}"
echo "INFO ||NEURON_PARALLEL_COMPILE||: Total failed compilations: {bad}"
"""


@pytest.mark.parametrize(("bad", "status"), [(0, 0), (2, 1)])
def test_a_graph_that_was_not_compiled_fails_the_step(tmp_path: Path, run: Run, bad: int, status: int) -> None:
    script(tmp_path / "bin" / "neuron_parallel_compile", COMPILER.format(good=22 - bad, bad=bad))
    folders.mark_done(tmp_path / "data")
    places = {name: str(tmp_path / name) for name in ("out", "data", "tokenizer")}
    done = run("precompile", asdict(arguments(**places, nodes=1)))
    assert done.returncode == status, done.stderr
    assert folders.is_done(tmp_path / "out") is (status == 0)
    if status:
        assert "2 of 22 graphs were not compiled" in done.stderr
    else:
        assert journal.result(tmp_path / "out").startswith("22 graphs compiled")


CONVERTER = """
import sys
from pathlib import Path
print(sys.argv)
out = Path(sys.argv[sys.argv.index("--output_path") + 1])
out.mkdir(parents=True)
(out / "pytorch_model.bin").write_bytes(b"w" * 1000)
"""


@pytest.fixture
def trained(tmp_path: Path, run: Run, tiny_base: Path) -> dict[str, Any]:
    """Arguments of `convert`, after a training that is done."""
    make(tmp_path / "train" / "checkpoints", 8)
    folders.mark_done(tmp_path / "train")
    model = tmp_path / "tokenizer" / "tokenizer"
    model.mkdir()
    for path in (tiny_base / "model").glob("*token*"):
        (model / path.name).write_bytes(path.read_bytes())
    folders.mark_done(tmp_path / "tokenizer")
    places = {name: tmp_path / name for name in ("out", "train", "tokenizer")}
    return {**places, "sequence_length": 4096, "tensor_parallel_degree": 8}


def converter(tmp_path: Path) -> Path:
    return tmp_path / "home/nemo/examples/nlp/language_modeling" / repository.CONVERTER


def test_a_converted_model_has_weights_config_and_tokenizer(tmp_path: Path, run: Run, trained: dict[str, Any]) -> None:
    converter(tmp_path).write_text(CONVERTER)
    done = run("convert", trained)
    assert done.returncode == 0, done.stderr
    assert f"'--path_to_checkpoints', '{tmp_path / 'train' / 'checkpoints'}'" in done.stdout
    assert "'--is_xser', '--trn'" in done.stdout
    model = tmp_path / "out" / "model"
    assert {"pytorch_model.bin", "config.json", "tokenizer.json"} <= {path.name for path in model.iterdir()}
    assert json.loads((model / "config.json").read_text())["max_position_embeddings"] == 4096
    assert folders.is_done(tmp_path / "out")


def test_a_converter_that_left_nothing_is_not_believed(tmp_path: Path, run: Run, trained: dict[str, Any]) -> None:
    converter(tmp_path).write_text("print('all is well')\n")
    done = run("convert", trained)
    assert done.returncode == 1
    assert "the converter left no pytorch_model.bin" in done.stderr
    assert not folders.is_done(tmp_path / "out")


def test_the_models_config_is_that_of_llama_2_7b() -> None:
    """6,738,415,616 parameters, as Meta's model has; and a vocabulary filled up as the repository fills it."""
    from transformers import LlamaConfig

    given = ConvertArguments("out", "train", "tokenizer", 4096, 8)
    config = LlamaConfig(**model_config(given, 32_000))
    layer = 4 * config.hidden_size**2 + 3 * config.hidden_size * config.intermediate_size + 2 * config.hidden_size
    total = 2 * config.vocab_size * config.hidden_size + config.num_hidden_layers * layer + config.hidden_size
    assert total == 6_738_415_616
    assert [model_config(given, tokens)["vocab_size"] for tokens in (32_000, 32_001)] == [32_000, 32_064]
