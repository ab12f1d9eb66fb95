"""Under Ray, what the results target has is in the cache before graphs are compiled, and what is new goes there."""

from pathlib import Path

import pytest

from workloads.programs import journal, neuron_cache, store
from workloads.programs.journal import Journal
from workloads.programs.pretraining.compile import between_stores


def compiled(cache: Path, name: str) -> None:
    graph = cache / "neuronxcc-2.21" / name
    graph.mkdir(parents=True, exist_ok=True)
    (graph / "model.neff").write_text(name)
    (graph / "model.done").touch()


def run(stack: Path, target: store.Store | None, *meets: str, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A step on a stack of its own whose training meets the graphs `meets`: pulled, compiled, pushed."""
    cache = stack / "cache"
    monkeypatch.setenv(neuron_cache.VARIABLE, str(cache))

    def compiling() -> None:
        for name in meets:
            if f"neuronxcc-2.21/{name}" not in neuron_cache.compiled(cache):
                compiled(cache, name)

    stack.mkdir()
    report = between_stores(compiling, target, Journal(stack))
    assert any(event["event"] == "compile" for event in journal.read(stack))
    return [report.pulled, report.compiled, report.pushed]


def test_the_next_stack_compiles_only_what_no_stack_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = store.at(str(tmp_path / "target"))
    assert run(tmp_path / "first", target, "MODULE_1", "MODULE_2", monkeypatch=monkeypatch) == [0, 2, 2]
    assert run(tmp_path / "second", target, "MODULE_2", "MODULE_3", monkeypatch=monkeypatch) == [2, 1, 1]
    assert run(tmp_path / "third", target, "MODULE_1", "MODULE_3", monkeypatch=monkeypatch) == [3, 0, 0]


def test_without_a_target_the_cache_alone_is_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(tmp_path / "one", None, "MODULE_1", monkeypatch=monkeypatch) == [0, 1, 0]


def test_a_target_that_fails_is_told_of_and_costs_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    blocked = store.at(str(tmp_path / "file" / "target"))
    assert run(tmp_path / "one", blocked, "MODULE_1", monkeypatch=monkeypatch) == [0, 1, 0]
