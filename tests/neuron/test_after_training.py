"""What training leaves on Neuron, in shards, becomes one model that any machine loads, and it is the one trained."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from workloads.programs import blocks, hub
from workloads.programs.finetune import RESULT
from workloads.programs.journal import Journal
from workloads.programs.pretraining.test import held_out_loss

from .conftest import Neuron, Trained
from .curves import held_out

pytestmark = pytest.mark.timeout(1200)

CLOSE = 1e-5
"""How far apart, relative to them, the same weights' held-out losses may be on two devices."""

SAMPLING = {"temperature": 0.9, "top_k": 50, "top_p": 0.9}


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return hub.load_model(str(folder), "main", "fp32").state_dict()


def consolidate(neuron: Neuron, program: str, trained: dict[str, Any], out: Path, **more: Any) -> Path:
    arguments = {"out": out, "train": trained["out"], "data": trained["data"], "precision": "fp32", **more}
    neuron.run(f"programs.{program}.consolidate", arguments)
    return out


def test_adapters_merge_into_the_matrices_that_they_are_for(neuron: Neuron, trained: Trained, tmp_path: Path) -> None:
    arguments = trained("adapters")
    base = {"model": arguments["model"], "model_revision": "main"}
    merged = consolidate(neuron, "text_to_sql", arguments, tmp_path / "merged", **base)
    after, before = weights(merged / RESULT), weights(arguments["model"])
    changed = [name for name, weight in after.items() if not weight.equal(before[name])]
    assert any("q_proj" in name for name in changed)
    assert not any("norm" in name for name in changed)


def test_a_model_of_which_every_weight_moved_answers_as_it_was_trained(
    neuron: Neuron, trained: Trained, tmp_path: Path
) -> None:
    arguments = trained("dolly")
    whole = consolidate(neuron, "dolly", arguments, tmp_path / "whole", **SAMPLING)
    before, after = weights(arguments["model"]), weights(whole / RESULT)
    assert set(before) == set(after)
    assert not [name for name in before if before[name].equal(after[name])]
    model = hub.load_model(str(whole / RESULT), "main", "fp32").eval()
    data = Path(arguments["data"])
    found = held_out_loss(model, blocks.read(data / "eval.npy"), 4, Journal(tmp_path, silent=True))
    assert found == pytest.approx(held_out(arguments["out"])[-1], rel=CLOSE)
    asked = {"model": whole, "consolidated": whole, "data": data, "backend": "cpu", "prompts": "", "rows": 2}
    how = {"precision": "fp32", "batch": 2, "sequence_length": 128, "max_new_tokens": 4, **SAMPLING, "seed": 3}
    neuron.run("programs.dolly.generate", {"out": tmp_path / "generate", **asked, **how})
    assert json.loads((tmp_path / "generate" / "report.json").read_text())["answers"] == 2


def test_a_pretrained_model_is_found_by_its_test_to_be_as_good_as_training_ended(
    neuron: Neuron, trained: Trained, tmp_path: Path
) -> None:
    arguments = trained("pretraining")
    whole = consolidate(neuron, "pretraining", arguments, tmp_path / "whole")
    asked = {"data": arguments["data"], "model": whole / RESULT, "precision": "fp32", "blocks": 100}
    going_on = {"prompts": ["Kardale is a town", "The"], "max_new_tokens": 4, "batch": 4}
    neuron.run("programs.pretraining.test", {"out": tmp_path / "test", **asked, **going_on})
    report = json.loads((tmp_path / "test" / "report.json").read_text())
    assert report["held_out_loss"] == pytest.approx(held_out(arguments["out"])[-1], rel=CLOSE)
    assert len(report["generations"]) == 2
