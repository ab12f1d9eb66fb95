"""The whole rehearsal with its own defaults: what `make run` promises."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from stacks.config import RawConfig
from stacks.program import run_of
from stacks.rehearsal import Outcome, rehearse
from stacks.settings import read
from workloads.launchers.local import Machine
from workloads.programs import journal
from workloads.recipes import Step

pytestmark = pytest.mark.timeout(1500)  # a whole rehearsal, beside whatever else a machine has to do


class Watcher:
    def __init__(self) -> None:
        self.events: dict[str, list[Mapping[str, Any]]] = {}
        self.ended_steps: list[str] = []

    def started(self, step: Step) -> None:
        self.events[step.name] = []

    def happened(self, step: Step, event: Mapping[str, Any]) -> None:
        self.events[step.name].append(event)

    def ended(self, outcome: Outcome) -> None:
        self.ended_steps.append(outcome.step.name)


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Outcome], Watcher]:
    import sys

    watcher = Watcher()
    machine = Machine(tmp_path_factory.mktemp("shared"), sys.executable)
    run = run_of(read(RawConfig({"platform": "local"})))
    return rehearse(run, machine, watcher), watcher


def folder(outcomes: list[Outcome], step: str) -> Path:
    return next(outcome.folder for outcome in outcomes if outcome.step.name == step)


def test_every_step_ends_well(rehearsed: tuple[list[Outcome], Watcher]) -> None:
    outcomes, watcher = rehearsed
    assert [outcome.status for outcome in outcomes] == [0] * 6
    assert watcher.ended_steps == ["base", "prepare", "train", "consolidate", "test", "keep"]


def test_the_held_out_loss_falls_by_more_than_a_fifth(rehearsed: tuple[list[Outcome], Watcher]) -> None:
    losses = [event["loss"] for event in journal.read(folder(rehearsed[0], "train")) if event["event"] == "eval"]
    assert losses[-1] < 0.8 * losses[0]


def test_the_tuned_model_answers_better_than_its_base(rehearsed: tuple[list[Outcome], Watcher]) -> None:
    report = json.loads((folder(rehearsed[0], "test") / "report.json").read_text())
    assert report["base"]["rows"] == report["tuned"]["rows"] == 64
    assert report["tuned"]["exact_match"] > report["base"]["exact_match"]
    assert report["tuned"]["execution_match"] > report["base"]["execution_match"]


def test_whoever_watches_hears_of_every_training_step_once(rehearsed: tuple[list[Outcome], Watcher]) -> None:
    heard = [event["step"] for event in rehearsed[1].events["train"] if event["event"] == "step"]
    assert heard == list(range(1, 301))
