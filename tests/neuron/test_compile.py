"""The step `compile` takes the training itself through its steps. On a CPU device XLA notes no graph down for Neuron's
compiler, so only the way there is seen, not what it compiles."""

import json
from pathlib import Path

import pytest

from workloads.programs import journal, neuron_cache
from workloads.programs.finetune import CHECKPOINTS, RESULT

from .conftest import Neuron
from .trainings import Training

pytestmark = pytest.mark.timeout(600)


def test_it_takes_the_trainings_steps_and_keeps_nothing_of_them(
    neuron: Neuron, trainings: dict[str, Training], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(neuron_cache.VARIABLE, str(tmp_path / "cache"))
    monkeypatch.delenv("TRAINYARD_RESULTS", raising=False)
    arguments = trainings["dolly"].on_neuron(tmp_path / "compile", steps=3)
    del arguments["epochs"]  # how long it trains is nothing to the graphs
    neuron.run("programs.compile", arguments)
    report = json.loads((tmp_path / "compile" / "report.json").read_text())
    assert report["left"] == []
    assert not (tmp_path / "compile" / CHECKPOINTS).exists()
    assert not (tmp_path / "compile" / RESULT).exists()
    assert not [event for event in journal.read(tmp_path / "compile") if event["event"] in ("step", "eval")]
