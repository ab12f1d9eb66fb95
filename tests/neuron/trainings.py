"""The programs that train, each with the arguments of a short run."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conftest import as_argv
from workloads.programs import entry, finetune
from workloads.programs.dolly import train as dolly
from workloads.programs.finetune import RESUMABLE

from . import worker_alone

Arguments = dict[str, Any]
Make = Callable[..., Arguments]

SHORT = {
    "max_steps": 12,
    "accumulation": 2,
    "weight_decay": 0.01,
    "log_every": 1,
    "eval_every": 6,
    "checkpoint_every": 3,
}


@dataclass(frozen=True)
class Program:
    """`name` is a module, or a script's path; `arguments` and `body` are what it runs."""

    name: str
    arguments: type
    body: Callable[[Any, Path], None]


PROGRAMS = {
    "adapters": Program("programs.text_to_sql.train", finetune.Arguments, finetune.finetune),
    "dolly": Program("programs.dolly.train", dolly.Arguments, dolly.train),
    "pretraining": Program(worker_alone.__file__, worker_alone.Arguments, worker_alone.pretrain),
}


@dataclass(frozen=True)
class Training:
    """A program, and a maker of arguments for it."""

    program: Program
    make: Make

    def on_neuron(self, out: Path, **changes: Any) -> Arguments:
        """Arguments of a short run into `out`."""
        return self.make(**{"out": out, "backend": "neuron", **SHORT, **changes})

    def run_here(self, arguments: Arguments) -> Arguments:
        """Those arguments for the CPU backend, once it has trained with them in this process."""
        here = {**arguments, "backend": "cpu", "out": arguments["out"].with_name(f"{arguments['out'].name}-cpu")}
        assert entry.main(self.program.arguments, self.program.body, as_argv(here), resumable=RESUMABLE) == 0
        return here
