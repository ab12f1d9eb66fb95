"""A run goes on when the API server is away for a while, and ends when it stays away."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.workloads.programs.run.world import (
    BASELINE,
    PLAN,
    PREPARE,
    TRAIN,
    World,
    job,
)
from workloads.programs.run import main
from workloads.programs.run.api import RefusedError, UnreachableError
from workloads.programs.run.decide import End
from workloads.programs.run.main import carry_out


class Clock:
    """Time as carry_out sees it: it passes while it sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(main, "time", clock)
    return clock


def away(world: World, when: Callable[[int], bool]) -> None:
    """From now on the API server gives no answer at those looks, counted from 0."""
    looks = iter(range(10**6))

    def answer() -> None:
        if when(next(looks)):
            raise UnreachableError("connection refused")

    world.cluster.each_look = answer


def test_an_api_server_that_is_away_for_a_while_is_asked_again(
    world: World, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    world.mark_done(*PLAN.steps)
    away(world, lambda look: look < 3)
    assert carry_out(world.run(), interval=5).ok
    assert clock.now == 15
    assert capsys.readouterr().out.count("connection refused") == 3


def test_an_api_server_that_stays_away_is_given_up(world: World, clock: Clock) -> None:
    away(world, lambda look: True)
    end = carry_out(world.run(), interval=5)
    assert end == End(False, "the API server gave no answer: connection refused")
    assert main.PATIENCE_SECONDS < clock.now <= main.PATIENCE_SECONDS + 5


def test_patience_begins_anew_with_every_answer(world: World, clock: Clock) -> None:
    away(world, lambda look: look % 100 != 99)
    world.cluster.put(job(replace(TRAIN, hash="old")))
    world.cluster.deletion_looks = 500
    world.mark_done(*PLAN.steps)
    assert carry_out(world.run(), interval=5).ok
    assert clock.now > 2 * main.PATIENCE_SECONDS


def test_a_right_that_the_run_lacks_ends_it_at_once_in_the_servers_words(world: World, clock: Clock) -> None:
    world.cluster.troubles["list RayJob"] = RefusedError(403, "rayjobs.ray.io is forbidden")
    end = carry_out(world.run(), interval=5)
    assert end == End(False, "the cluster refuses what the run must do: rayjobs.ray.io is forbidden")


def test_nothing_is_asked_after_the_end(world: World, clock: Clock) -> None:
    world.mark_done(PREPARE, TRAIN)
    looks = iter(range(100))

    def time_passes() -> None:
        if next(looks) == 3:
            world.ends(BASELINE, well=False)

    world.cluster.each_look = time_passes
    assert not carry_out(world.run(), interval=5).ok
    assert next(looks) == 4


def test_the_same_status_is_told_once(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    run = world.run()
    world.turns(run, 5)
    world.pods_run("prepare")
    world.turns(run, 5)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(set(lines))
    assert any("prepare running" in line for line in lines)
