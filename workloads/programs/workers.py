"""Processes that train together, started and watched by Ray Train: one a NeuronCore, or some on a CPU joined by gloo.

A worker that dies takes the others of its round with it; Ray begins another round, once the cluster has the room, and
each goes on from the newest checkpoint. A mistake that trying again will not mend ends the training in the first round.
"""

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import UserError, is_disk_full
from .folders import write_atomically

if TYPE_CHECKING:
    from ray.train.torch import TorchConfig

OBJECT_STORE_BYTES = 80 * 2**20
"""Nothing goes through Ray's object store but a few arguments; Ray accepts no less than 75 MiB."""

ENVIRONMENT = {
    "RAY_TRAIN_V2_ENABLED": "1",
    # Ray would show each worker its own core alone, and torch-neuronx look there for the core of its local rank. As
    # under torchrun, each sees all of its node's and takes the one of its rank
    "RAY_EXPERIMENTAL_NOSET_NEURON_RT_VISIBLE_CORES": "1",
}

OF_ONES_OWN = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_enable_metrics_collection": "0",  # nobody would read them
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
"""For a Ray cluster that lives as long as one training: nothing is sent anywhere."""


@dataclass(frozen=True, slots=True)
class Workers:
    """How many processes, on what, and how many of their deaths to survive.

    `extract_graphs` makes Neuron compile the graphs that they meet, in parallel once they are done, rather than run
    them: what they compute is meaningless then.
    """

    count: int
    on_neuron: bool
    max_failures: int
    extract_graphs: bool = False


def run(body: Callable[[], None], workers: Workers, work: Path) -> None:
    """Runs `body` in every worker until all return. `work` is a folder that all see, for what is needed meanwhile.

    Raises a UserError of any of them as it is; Ray's own error once workers failed more often than they may.
    """
    # before ray is imported, which looks at them then
    os.environ.update(ENVIRONMENT if _is_given() else {**ENVIRONMENT, **OF_ONES_OWN})
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchTrainer

    refusals = work / "refusals"
    refusals.mkdir(parents=True)
    scaling = ScalingConfig(
        num_workers=workers.count, resources_per_worker={"neuron_cores": 1} if workers.on_neuron else {"CPU": 1}
    )
    keeping = RunConfig(
        name="ray",
        storage_path=str(work),
        failure_config=FailureConfig(max_failures=workers.max_failures),
        worker_runtime_env={"env_vars": ENVIRONMENT} if _is_given() else None,
    )
    with _cluster(workers):
        trainer = TorchTrainer(
            _work, train_loop_config={"body": body, "refusals": refusals}, torch_config=_backend(workers),
            scaling_config=scaling, run_config=keeping,
        )  # fmt: skip
        try:
            trainer.fit()
        finally:
            _raise_refusal(refusals)


def _work(config: dict[str, Any]) -> None:
    """What a worker does: `body`, or nothing where another has found that it can never end well."""
    body, refusals = config["body"], config["refusals"]
    if any(refusals.glob("[0-9]*")):
        return
    try:
        body()
    except Exception as error:
        if isinstance(error, UserError) or is_disk_full(error, refusals):
            found = {"text": str(error), "disk full": not isinstance(error, UserError)}
            write_atomically(refusals / os.environ["RANK"], json.dumps(found))
        raise


def _raise_refusal(refusals: Path) -> None:
    """What a worker wrote before it gave up, as an error of this process, without what Ray wraps around it."""
    for refusal in sorted(refusals.glob("[0-9]*")):  # a hidden one was never finished
        found = json.loads(refusal.read_text())
        if found["disk full"]:
            raise OSError(errno.ENOSPC, found["text"]) from None
        raise UserError(found["text"]) from None


def _backend(workers: Workers) -> "TorchConfig":
    if workers.on_neuron:
        from ray.train.torch.xla import TorchXLAConfig

        return TorchXLAConfig(neuron_parallel_compile=workers.extract_graphs)
    from ray.train.torch import TorchConfig

    return TorchConfig(backend="gloo")


def _is_given() -> bool:
    """Whether this process was started in a Ray cluster, as a RayJob's is."""
    return bool(os.environ.get("RAY_ADDRESS"))


@contextmanager
def _cluster(workers: Workers) -> Iterator[None]:
    """The Ray cluster that this process was started in, or one of its own meanwhile."""
    import ray

    if _is_given():
        ray.init(address="auto", log_to_driver=True)
        yield
        ray.shutdown()
        return
    folder = tempfile.mkdtemp(prefix="ray-")  # not below `work`: a socket's path has 107 characters at the most
    try:
        ray.init(
            address="local", num_cpus=workers.count, include_dashboard=False,
            object_store_memory=OBJECT_STORE_BYTES, _temp_dir=folder,
        )  # fmt: skip
        yield
    finally:
        ray.shutdown()
        shutil.rmtree(folder, ignore_errors=True)
