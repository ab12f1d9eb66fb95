"""A run to follow: the cluster in memory that tests use, with a training that ends while it is watched."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.stacks.follow.server import front
from tests.workloads.programs.run.test_api import make_certificate
from tests.workloads.programs.run.world import PREPARE, TRAIN, World, job, source

SECONDS = 12.0
"""How long the run goes on: some looks' worth."""

LINES = [(step - 200.0, f"step {step} of 4,000  loss 2.5000  8,000 tokens/s") for step in range(200)]


@contextmanager
def ended_run(folder: Path) -> Iterator[Path]:
    """The kubeconfig of a cluster whose run trains at first, and then ends."""
    world = World(folder / "run")
    world.cluster.put(source(TRAIN, job(TRAIN)))
    world.mark_done(PREPARE)
    with front(world, make_certificate(folder / "certificates"), folder) as made:
        made.begin_run()
        world.cluster.put({**job(TRAIN), "metadata": {**job(TRAIN)["metadata"], "annotations": NOTES}})
        (pod,) = world.pods_run("train")
        made.log(pod["metadata"]["name"], "step", *LINES)
        end = threading.Timer(SECONDS, lambda: made.end_run(True, "r: all 4 steps are done"))
        end.start()
        try:
            yield made.kubeconfig
        finally:
            end.cancel()


NOTES = {"trainyard.dev/pods": "1", "trainyard.dev/manifest": TRAIN.digest}
