"""A plan: what `pulumi up` would do with a stack, known without the engine, an account or a cluster. Plain data."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pulumi.output import Unknown

from workloads.launchers.arguments import folder
from workloads.programs import folders
from workloads.recipes import Step

from . import config, program
from .critical_path import CriticalPath, critical_path, waits_for
from .plan_words import PRICES
from .receipt import Receipt, receipt
from .recorder import Recorded, record
from .run import Run
from .settings import LACKS_TOKEN, Settings, read

KNOWN_LATER = "known after the update"


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One step. `dollars` is None where AWS lists no price for its machine; `chosen` says whether it is to run.

    `beside` are the machines that its launcher has beside its nodes.

    `done` is whether its result is there already, and None where only the cluster knows.
    """

    name: str
    hash: str
    program: str
    launcher: str
    machine: str
    nodes: int
    beside: tuple[str, ...]
    needs: tuple[str, ...]
    minutes: float
    dollars: float | None
    chosen: bool
    done: bool | None


@dataclass(frozen=True, slots=True)
class PlannedResource:
    """One resource, and by their URNs all that it is made `after`."""

    urn: str
    type: str
    name: str
    parent: str
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Minutes and dollars are of the chosen steps, one after another, without the wait for machines.

    `receipt` and `critical_path` are None where nothing is stood up that they could be told of.
    """

    stack: str
    platform: str
    recipe: str
    summary: str
    steps: tuple[PlannedStep, ...]
    minutes: float
    dollars: float | None
    prices: str
    receipt: Receipt | None
    critical_path: CriticalPath | None
    resources: tuple[PlannedResource, ...]
    outputs: Mapping[str, Any]
    warnings: tuple[str, ...]


def make_plan(stack: str, project: Path = config.PROJECT) -> Plan:
    """The plan of the stack whose config is Pulumi.<stack>.yaml.

    SettingsError for mistakes in it, FileNotFoundError where there is no such file.
    """
    raw = config.from_file(stack, project)
    settings = read(raw)
    run = program.run_of(settings)
    recording = record(program.stand_up, raw, stack)
    shared = project / settings.local.folder if settings.platform == "local" else None
    steps = tuple(_planned(step, run, shared) for step in run.steps)
    prices = [step.dollars for step in steps if step.chosen]
    return Plan(
        stack=stack,
        platform=settings.platform,
        recipe=run.recipe.name,
        summary=run.recipe.summary,
        steps=steps,
        minutes=sum(step.minutes for step in steps if step.chosen),
        dollars=None if None in prices else sum(price for price in prices if price is not None),
        prices=PRICES,
        receipt=receipt(recording.resources, run, settings.nodes.idle),
        critical_path=critical_path(recording.resources, run),
        resources=tuple(_resource(one) for one in recording.resources),
        outputs=_known(recording.outputs),
        warnings=tuple(_warnings(settings, recording.messages, recording.error)),
    )


def _planned(step: Step, run: Run, shared: Path | None) -> PlannedStep:
    """`shared` is the folder that plays the shared volume on this machine."""
    made = shared and shared / folder(run.recipe.name, step.name, run.hashes[step.name])
    return PlannedStep(
        name=step.name,
        hash=run.hashes[step.name],
        program=step.program,
        launcher=step.launcher,
        machine=step.placement.machine,
        nodes=step.placement.nodes,
        beside=step.beside,
        needs=step.waits_for(run.hashes),
        minutes=step.minutes,
        dollars=step.dollars,
        chosen=step in run.chosen,
        done=folders.is_done(made) if made else None,
    )


def _resource(one: Recorded) -> PlannedResource:
    return PlannedResource(one.urn, one.type, one.name, one.parent, waits_for(one))


def _known(value: Any) -> Any:
    """`value` with words in place of what only the update will tell."""
    if isinstance(value, Unknown):
        return KNOWN_LATER
    if isinstance(value, Mapping):
        return {name: _known(one) for name, one in value.items()}
    return [_known(one) for one in value] if isinstance(value, list) else value


def _warnings(settings: Settings, messages: list[tuple[str, str]], error: str | None) -> list[str]:
    found = [text for level, text in messages if level in ("warning", "error")]
    if settings.lacks_token and str(LACKS_TOKEN) not in found:
        found.append(str(LACKS_TOKEN))
    return [*found, *([error] if error else [])]
