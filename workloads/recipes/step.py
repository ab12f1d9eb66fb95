"""A step as plain data: which program, with what, on what, and how long it may take.

Nothing here knows Kubernetes, Pulumi or a file system's layout: where an earlier step's folder is, is a launcher's
matter, so an argument says `Folder("prepare")` and not a path.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..hardware import InstanceType, processor_for

LauncherName = Literal["job", "mpi", "ray", "local"]


@dataclass(frozen=True, slots=True)
class Folder:
    """An argument: the folder of the earlier step `step`, or `path` below it."""

    step: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class Folders:
    """An argument: several such folders, each as name=folder."""

    named: Mapping[str, Folder]


@dataclass(frozen=True, slots=True)
class File:
    """An argument: a file of this machine's. What a step makes of it depends on the content, not on the path."""

    path: Path


def file_or_name(name: str) -> File | str:
    """The file of this machine's that `name` is the path of; where there is none, `name` as it is."""
    path = Path(name)
    return File(path.absolute()) if path.is_file() else name


@dataclass(frozen=True, slots=True)
class Earlier:
    """An argument: the folder of a step as it was in an earlier run, which had the hash `hash`."""

    step: str
    hash: str


RESUME_FROM = "resume_from"
"""The argument by which a step that `resumes` is told of an earlier one; empty without."""

Value = str | int | float | bool | tuple[str, ...] | Folder | Folders | File | Earlier
Arguments = dict[str, Value]


@dataclass(frozen=True, slots=True)
class Processor:
    """What a step without Neuron devices asks for: vCPUs, and memory in GiB."""

    vcpus: int
    memory: int

    nodes = 1

    @property
    def instance(self) -> InstanceType:
        return processor_for(self.vcpus, self.memory)

    @property
    def machine(self) -> str:
        return self.instance.name


@dataclass(frozen=True, slots=True)
class Neuron:
    """Whole Trainium nodes: one process a NeuronCore, or one `alone`; EFA between them where `efa`."""

    instance: InstanceType
    nodes: int
    efa: bool
    alone: bool = False

    @property
    def machine(self) -> str:
        return self.instance.name

    @property
    def vcpus(self) -> int:
        return self.instance.vcpus

    @property
    def memory(self) -> int:
        """GiB that a pod may count on: huge pages for EFA and the system have the rest."""
        return self.instance.memory * 4 // 5

    @property
    def processes(self) -> int:
        """World size: training processes over all nodes."""
        return 1 if self.alone else self.nodes * self.instance.neuron_cores


@dataclass(frozen=True, slots=True)
class ThisMachine:
    """The machine that Trainyard itself runs on; it costs nothing. `processes` train side by side, joined by gloo."""

    processes: int = 1

    nodes = 1
    machine = "this machine"
    vcpus = memory = 0


Placement = Processor | Neuron | ThisMachine

BESIDE: Mapping[LauncherName, tuple[Processor, ...]] = {
    "mpi": (Processor(vcpus=2, memory=4),),
    "ray": (Processor(vcpus=8, memory=28), Processor(vcpus=1, memory=1)),
}
"""What a launcher has beside a step's own nodes, for as long as the step runs: mpirun; Ray's head and its submitter."""


def _folders(value: Value) -> tuple[Folder, ...]:
    if isinstance(value, Folders):
        return tuple(value.named.values())
    return (value,) if isinstance(value, Folder) else ()


@dataclass(frozen=True, slots=True)
class Checkout:
    """A git repository at one commit, in `folder` of an image; `build` are the commands, run there, that install it."""

    address: str
    commit: str
    folder: str
    build: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Image:
    """A container image: `base`, with Ubuntu's `system` packages, a `checkout` and Python `packages` on top.

    Its content key does not depend on any registry. `name` is what `trainyard:images` calls it.
    """

    name: str
    base: str
    packages: tuple[str, ...] = ()
    system: tuple[str, ...] = ()
    checkout: Checkout | None = None

    @property
    def key(self) -> str:
        made = (self.checkout.address, self.checkout.commit, *self.checkout.build) if self.checkout else ()
        return "+".join((self.base.rpartition("/")[2], *self.packages, *self.system, *made))

    @property
    def on_top(self) -> tuple[str, ...]:
        """What it has beside its base, in words; nothing, where it is used as it is."""
        made = (f"{self.checkout.address} at {self.checkout.commit}",) if self.checkout else ()
        return (*self.packages, *self.system, *made)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a recipe.

    `arguments` change the result and enter its hash; `tuning` (logging, checkpoint frequency, processes) does not.
    `minutes` is what it is expected to take; past `limit_hours` it is stopped.
    """

    name: str
    program: str
    arguments: Arguments
    tuning: Arguments
    placement: Placement
    launcher: LauncherName
    image: Image | None
    minutes: float
    limit_hours: float
    needs_token: bool = False
    resumes: bool = False
    """It leaves checkpoints, and can begin from those of an earlier one (`trainyard:resumeFrom`)."""
    after: tuple[str, ...] = ()
    """Earlier steps that must be done first where the run has them, though the result does not depend on them: a
    compiled graph makes training start sooner, and no different."""

    @property
    def needs(self) -> tuple[str, ...]:
        """The earlier steps whose folders this one reads, in the order of its arguments."""
        values = (*self.arguments.values(), *self.tuning.values())
        return tuple(dict.fromkeys(folder.step for value in values for folder in _folders(value)))

    def waits_for(self, chosen: Collection[str]) -> tuple[str, ...]:
        """The steps that come before this one where only those named in `chosen` are carried out."""
        return (*self.needs, *(name for name in self.after if name in chosen and name not in self.needs))

    @property
    def beside(self) -> tuple[str, ...]:
        """The machines that it holds beside its nodes, each the smallest that is listed."""
        return tuple(one.machine for one in BESIDE.get(self.launcher, ()))

    @property
    def dollars(self) -> float | None:
        """Expected price of the machines it holds; None where AWS lists no price for them."""
        if isinstance(self.placement, ThisMachine):
            return 0.0
        each = [self.placement.instance] * self.placement.nodes + [
            one.instance for one in BESIDE.get(self.launcher, ())
        ]
        hourly = [one.dollars_per_hour for one in each]
        return None if None in hourly else sum(one for one in hourly if one is not None) * self.minutes / 60
