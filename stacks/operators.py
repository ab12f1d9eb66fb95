"""Operators for the launchers that a recipe's steps ask for, and the queue of its gangs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pulumi

from components.operators.kuberay import KubeRay, KubeRayArgs
from components.operators.mpi import MpiOperator, MpiOperatorArgs
from components.operators.queue import Queue, QueueArgs
from components.operators.volcano import Volcano, VolcanoArgs
from workloads.launchers.ray import room
from workloads.recipes import Step

from .run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Operators:
    """What is known once a launcher's operators are there, by its name. `queue` is the name of that for gangs."""

    needs: Mapping[str, tuple[pulumi.Output[str], ...]] = field(default_factory=dict)
    queue: str | None = None


def queue_name() -> str:
    """Queues are in no namespace: the stack's name tells them apart."""
    return f"trainyard-{pulumi.get_stack()}"


def launchers(run: Run) -> set[str]:
    """Those of all the recipe's steps: an operator stays while a part of them is run, as its objects may."""
    return {step.launcher for step in run.steps}


def capability(steps: Iterable[Step]) -> dict[str, str]:
    """What the largest gang among `steps` needs, as quantities: one runs at a time."""
    most: dict[str, int] = {}
    for step in steps:
        if step.launcher == "ray":
            most = {name: max(amount, most.get(name, 0)) for name, amount in {**most, **room(step)}.items()}
    return {name: f"{amount}Gi" if name == "memory" else str(amount) for name, amount in most.items()}


def install(run: Run, mirror: str | None, node_selector: Mapping[str, str], opts: pulumi.ResourceOptions) -> Operators:
    """Installs those that `run` needs, and no other; their pods go to nodes with the labels of `node_selector`."""
    asked = launchers(run)
    needs: dict[str, tuple[pulumi.Output[str], ...]] = {}
    if "mpi" in asked:
        needs["mpi"] = (MpiOperator("mpi", MpiOperatorArgs(mirror=mirror, node_selector=node_selector), opts).api,)
    if "ray" not in asked:
        return Operators(needs=needs)
    volcano = Volcano("volcano", VolcanoArgs(mirror=mirror, node_selector=node_selector), opts)
    kuberay = KubeRayArgs(mirror=mirror, node_selector=node_selector, scheduler=volcano.scheduler)
    made = queue(run, opts, volcano.scheduler)
    needs["ray"] = (KubeRay("kuberay", kuberay, opts).api, made.queue)
    return Operators(needs=needs, queue=queue_name())


def queue(run: Run, opts: pulumi.ResourceOptions, scheduler: pulumi.Input[str] | None = None) -> Queue:
    """The queue for the gangs of `run`; `scheduler` is Volcano's where this stack installs it."""
    args = QueueArgs(name=queue_name(), capability=capability(run.steps), scheduler=scheduler)
    return Queue("gangs", args, opts)
