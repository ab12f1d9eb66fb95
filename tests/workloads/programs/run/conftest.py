"""A small recipe in a cluster in memory."""

from pathlib import Path

import pytest

from tests.workloads.programs.run.world import (
    BASELINE,
    PREPARE,
    REPORT,
    SERVICE,
    TRAIN,
    World,
    job,
    source,
)


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    for step in (PREPARE, BASELINE, REPORT):
        world.cluster.put(source(step, job(step)))
    world.cluster.put(source(TRAIN, SERVICE, job(TRAIN, pods=2)))
    return world
