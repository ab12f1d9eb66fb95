"""The Neuron backend trains as the CPU one does, resumes as if nothing had been, and leaves what merges."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import as_argv
from workloads.programs import entry, finetune, hub, journal
from workloads.programs.finetune import CHECKPOINTS, RESULT, RESUMABLE

from .conftest import Neuron

pytestmark = pytest.mark.timeout(1200)  # the libraries alone take half a minute to import, five times

Make = Callable[..., dict[str, Any]]

TRAIN = "programs.text_to_sql.train"
SHORT = {"max_steps": 12, "accumulation": 2, "log_every": 1, "eval_every": 6, "checkpoint_every": 3}


def curve(folder: Path) -> list[tuple[str, int, float]]:
    events = (event for event in journal.read(folder) if event["event"] in ("step", "eval"))
    return [(event["event"], event["step"], event["loss"]) for event in events]


def resumed_at(folder: Path) -> list[int]:
    return [event["step"] for event in journal.read(folder) if event["event"] == "resume"]


@pytest.fixture
def arguments(train_arguments: Make, tmp_path: Path) -> Make:
    """Arguments of a short training on Neuron, into a folder of the name given."""

    def make(name: str, **changes: Any) -> dict[str, Any]:
        return train_arguments(**{"out": tmp_path / name, "backend": "neuron", **SHORT, **changes})

    return make


@pytest.mark.parametrize("rank", [4, 0], ids=["adapters", "every weight"])
def test_its_losses_are_the_cpu_backends_on_the_same_weights_and_data(
    neuron: Neuron, arguments: Make, rank: int
) -> None:
    more = {"lora_rank": rank, "lora_dropout": 0.0, "learning_rate": 3e-3 if rank else 3e-4}
    there, here = arguments("neuron", **more), arguments("cpu", backend="cpu", **more)
    neuron.run(TRAIN, there)
    assert entry.main(finetune.Arguments, finetune.finetune, as_argv(here), resumable=RESUMABLE) == 0
    ours, theirs = curve(here["out"]), curve(there["out"])
    assert [one[:2] for one in ours] == [one[:2] for one in theirs]
    # adapters begin at random weights of their own: those of each library. What is learned is the same
    tolerance = 0.05 if rank else 1e-3
    assert [one[2] for one in theirs] == pytest.approx([one[2] for one in ours], rel=tolerance)
    assert theirs[-1][2] < theirs[0][2]


def test_a_killed_training_takes_the_very_steps_of_an_unbroken_one(neuron: Neuron, arguments: Make) -> None:
    whole, broken = arguments("whole"), arguments("broken")
    neuron.run(TRAIN, whole)
    neuron.kill_when(TRAIN, broken, lambda: any((broken["out"] / CHECKPOINTS).glob("step-*6")))
    neuron.run(TRAIN, broken)
    assert resumed_at(broken["out"])
    assert curve(broken["out"]) == curve(whole["out"])


def test_what_it_leaves_merges_into_a_model_that_any_machine_loads(
    neuron: Neuron, arguments: Make, tmp_path: Path
) -> None:
    trained = arguments("trained")
    neuron.run(TRAIN, trained)
    merged = {"out": tmp_path / "merged", "train": trained["out"], "data": trained["data"], "precision": "fp32"}
    base = {"model": trained["model"], "model_revision": "main"}
    neuron.run("programs.text_to_sql.consolidate", {**merged, **base})
    after = hub.load_model(str(merged["out"] / RESULT), "main", "fp32").state_dict()
    before = hub.load_model(str(trained["model"]), "main", "fp32").state_dict()
    changed = [name for name, weight in after.items() if not weight.equal(before[name])]
    assert any("q_proj" in name for name in changed)
    assert not any("norm" in name for name in changed)
