"""The step compile: it notes down what training asks for, compiles what nobody has, and leaves no trace of itself.

Neuron's libraries are not to be had here. A small stand-in takes their place: it notes a graph down when told to, and
its compiler makes something of every graph that has nothing yet. All else is the project's own, processes too.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import as_argv
from workloads.programs import folders, journal, neuron_cache
from workloads.programs.errors import EXIT_USER_ERROR
from workloads.recipes.sources import ROOT

Make = Callable[..., dict[str, Any]]

STAND_IN = '''
import json, os, pathlib, sys, time, types

VERSION = "neuronxcc-2.21.0"
CACHE = pathlib.Path(os.environ["NEURON_COMPILE_CACHE_URL"])

def note(name):
    """What Neuron's libraries do with a graph that is not compiled yet, while graphs are only noted down."""
    assert os.environ["NEURON_EXTRACT_GRAPHS_ONLY"] == "1"
    cache = pathlib.Path(os.environ["NEURON_COMPILE_CACHE_URL"])
    assert cache != CACHE, "the shared cache must not be noted down in"
    folder = cache / VERSION / f"MODULE_{name}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.hlo_module.pb").write_text(name)

def parallel_compile(scratch, cache):
    assert "NEURON_EXTRACT_GRAPHS_ONLY" not in os.environ
    failing = os.environ.get("FAILING", "").split()
    for folder in sorted(pathlib.Path(cache).glob("*/MODULE_*")):
        if (folder / "model.done").exists() or folder.name.removeprefix("MODULE_") in failing:
            continue
        with open(os.environ["COMPILED"], "a") as file:
            file.write(folder.name + "\\n")
        time.sleep(float(os.environ.get("SLOWLY", "0")))
        (folder / "model.neff").write_text("made of " + folder.name)
        (folder / "model.done").touch()

for name in ("libneuronxla", "libneuronxla.neuron_cc_cache", "libneuronxla.neuron_parallel_compile"):
    sys.modules[name] = types.ModuleType(name)
sys.modules["libneuronxla.neuron_cc_cache"].CacheUrl = types.SimpleNamespace(get_cache_url=lambda folder: folder)
sys.modules["libneuronxla.neuron_parallel_compile"].parallel_compile = parallel_compile

from programs import backends, compile as program, entry
from programs.backends.cpu import CpuBackend

class Noting(CpuBackend):
    """The processor's backend, which notes down a graph by the shape of what it is given."""

    def loss(self, model, rows, tokens):
        note(f"loss-{'train' if model.training else 'eval'}-{rows.shape[0]}x{rows.shape[1]}")
        return super().loss(model, rows, tokens)

    def step(self, optimizer, learning_rate):
        note("step-first" if not optimizer.state else "step")
        return super().step(optimizer, learning_rate)

    def save(self, *_):
        raise AssertionError("nothing is to be saved")

    export = restore = save

backends.choose = program.finetune.choose = lambda name, degree: Noting()
sys.exit(entry.main(program.Arguments, program.compile_graphs, resumable=(program.WORK,)))
'''

GRAPHS = {"loss-train-2x256", "loss-eval-2x256", "step", "step-first"}


@pytest.fixture
def arguments(train_arguments: Make, tmp_path: Path) -> Make:
    def make(**changes: Any) -> dict[str, Any]:
        training = train_arguments(out=tmp_path / "compile", backend="neuron", log_every=2)
        return {**training, "steps": 3, **changes}

    return make


class Stack:
    """A shared volume with its cache, and what the compiler was asked for on it."""

    def __init__(self, folder: Path, kept: Path | None):
        self.folder, self.cache, self.log = folder, folder / "cache", folder / "compiled.txt"
        folder.mkdir(exist_ok=True)
        self.log.touch()
        (folder / "stand_in.py").write_text(STAND_IN)
        self.environment = {
            **os.environ,
            "PYTHONPATH": f"{ROOT}:{folder}",
            "OMP_NUM_THREADS": "1",
            "NEURON_COMPILE_CACHE_URL": str(self.cache),
            "COMPILED": str(self.log),
            "TRAINYARD_RESULTS": str(kept or ""),
        }

    def start(self, arguments: dict[str, Any], *launcher: str, **environment: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", *(launcher or ()), "stand_in", *as_argv(arguments)]
        return subprocess.Popen(
            command,
            env={**self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, arguments: dict[str, Any], *launcher: str, **environment: str) -> str:
        process = self.start(arguments, *launcher, **environment)
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 0, said
        return said

    @property
    def compiled(self) -> list[str]:
        return [line.removeprefix("MODULE_") for line in self.log.read_text().split()]


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return Stack(tmp_path / "stack", tmp_path / "results")


def report(arguments: dict[str, Any]) -> dict[str, Any]:
    return json.loads((arguments["out"] / "report.json").read_text())


def test_a_training_finds_all_its_graphs_compiled_in_the_shared_cache(stack: Stack, arguments: Make) -> None:
    stack.run(arguments())
    assert {name.rpartition("MODULE_")[2] for name in neuron_cache.compiled(stack.cache)} == GRAPHS
    assert sorted(stack.compiled) == sorted(GRAPHS)


def test_nothing_is_left_but_the_cache_and_a_report(stack: Stack, arguments: Make) -> None:
    given = arguments()
    stack.run(given)
    assert set(folders.sizes(given["out"])) == {"report.json", journal.FILE}
    assert folders.is_done(given["out"])
    assert [path.name for path in given["out"].iterdir() if path.is_dir()] == []
    assert journal.result(given["out"]) == "4 graphs: 0 were in the cache, 0 pulled, 4 compiled, 4 pushed"


def test_a_second_training_with_the_same_graphs_compiles_nothing(stack: Stack, arguments: Make, tmp_path: Path) -> None:
    stack.run(arguments())
    again = arguments(out=tmp_path / "again", seed=9, max_steps=400)
    stack.run(again)
    assert len(stack.compiled) == 4
    assert (report(again)["hits"], report(again)["compiled"]) == (4, 0)


def test_the_next_stack_takes_them_from_the_results_and_compiles_nothing(
    stack: Stack, arguments: Make, tmp_path: Path
) -> None:
    stack.run(arguments())
    other = Stack(tmp_path / "other", tmp_path / "results")
    again = arguments(out=tmp_path / "again")
    other.run(again)
    assert other.compiled == []
    assert {key: report(again)[key] for key in ("asked", "hits", "pulled", "compiled", "pushed")} == {
        "asked": 4,
        "hits": 0,
        "pulled": 4,
        "compiled": 0,
        "pushed": 0,
    }
    assert neuron_cache.compiled(other.cache) == neuron_cache.compiled(stack.cache)


def test_only_what_changed_is_compiled(stack: Stack, arguments: Make, tmp_path: Path) -> None:
    stack.run(arguments())
    other = arguments(out=tmp_path / "again", micro_batch=1)
    stack.run(other)
    assert set(stack.compiled[4:]) == {"loss-train-1x256", "loss-eval-1x256"}
    assert report(other)["hits"] == 2


def test_two_processes_note_down_together_and_one_compiles(stack: Stack, arguments: Make) -> None:
    given = arguments()
    stack.run(given, "programs.distributed", "--processes=2")
    assert sorted(stack.compiled) == sorted(GRAPHS)
    assert report(given)["asked"] == 4


def test_without_a_store_the_cache_alone_is_used_and_that_is_said(arguments: Make, tmp_path: Path) -> None:
    stack = Stack(tmp_path / "stack", None)
    given = arguments()
    said = stack.run(given)
    assert "TRAINYARD_RESULTS is not set" in said
    assert report(given)["pushed"] == 0
    assert len(neuron_cache.compiled(stack.cache)) == 4


def test_a_store_that_fails_is_told_of_and_costs_nothing_else(arguments: Make, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    stack = Stack(tmp_path / "stack", tmp_path / "file" / "below")
    given = arguments()
    said = stack.run(given)
    assert "warning: could not push to" in said
    assert report(given)["warnings"]
    assert len(neuron_cache.compiled(stack.cache)) == 4


def test_a_bucket_without_rights_is_told_of_too(
    arguments: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workloads.programs import compile as program
    from workloads.programs.bucket import Bucket

    refused = Bucket("s3://theirs", "theirs", "")
    for variable in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    noted, cache = tmp_path / "noted", tmp_path / "cache"
    (noted / "neuronxcc-1" / "MODULE_1").mkdir(parents=True)

    def compiler(folder: Path) -> None:
        for graph in folder.glob("*/MODULE_*"):
            (graph / "model.neff").write_text("made")
            (graph / "model.done").touch()

    made = program.provide(noted, cache, refused, compiler, journal.Journal(tmp_path))
    assert made.compiled == 1
    assert len(made.warnings) == 2
    assert all("s3://theirs" in warning for warning in made.warnings)


def test_a_graph_that_does_not_compile_is_named_and_left_to_training(stack: Stack, arguments: Make) -> None:
    given = arguments()
    stack.run(given, FAILING="step-first")
    assert report(given)["left"] == ["neuronxcc-2.21.0/MODULE_step-first"]
    assert "1 again that failed" in journal.result(given["out"])
    assert len(neuron_cache.compiled(stack.cache)) == 3


def test_a_kill_while_compiling_loses_no_graph_that_was_done(stack: Stack, arguments: Make) -> None:
    given = arguments()
    process = stack.start(given, SLOWLY="0.7")
    while len(stack.compiled) < 3:
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not folders.is_done(given["out"])
    assert neuron_cache.compiled(stack.cache) == set()
    stack.run(given)
    assert sorted(stack.compiled[:2] + stack.compiled[3:]) == sorted(GRAPHS)
    assert len(neuron_cache.compiled(stack.cache)) == 4


def test_a_processor_has_nothing_to_compile_and_says_so(stack: Stack, arguments: Make) -> None:
    process = stack.start(arguments(backend="cpu"))
    said, _ = process.communicate(timeout=60)
    assert process.returncode == EXIT_USER_ERROR
    assert "only a neuron backend has graphs to compile" in said
