"""Runs the Pulumi program in this process, with no engine, account or cluster, and keeps every request it makes.

It is a preview with nothing behind it: resources answer with their own inputs, and what only a cloud could tell stays
unknown. `trainyard plan`, the unit tests and the policy checks look at what it recorded.
"""

import asyncio
import contextvars
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi.runtime import mocks, rpc, set_all_config, settings
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.stack import run_in_stack

from .config import RawConfig, as_engine_gives_it
from .mistakes import PREFIX

STACK_TYPE = "pulumi:pulumi:Stack"


@dataclass(frozen=True, slots=True)
class Recorded:
    """One resource as the program asked for it: its inputs as plain values, and the whole request."""

    urn: str
    type: str
    name: str
    parent: str
    depends_on: tuple[str, ...]
    inputs: Mapping[str, Any]
    request: resource_pb2.RegisterResourceRequest


def recorded(urn: str, request: resource_pb2.RegisterResourceRequest) -> Recorded:
    """What `request`, which was given `urn`, asks for."""
    return Recorded(
        urn=urn,
        type=request.type,
        name=request.name,
        parent=request.parent,
        depends_on=tuple(request.dependencies),
        inputs=rpc.deserialize_properties(request.object),
        request=request,
    )


@dataclass(slots=True)
class Recording:
    """All that one run of the program asked for, in its order; its outputs, what it logged, and its error, if any."""

    resources: list[Recorded] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    messages: list[tuple[str, str]] = field(default_factory=list)
    error: str | None = None


ZONES = "aws:index/getAvailabilityZones:getAvailabilityZones"
OFFERS = "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings"
ANSWERS: Mapping[str, Mapping[str, Any]] = {
    ZONES: {
        "names": ["zone-a", "zone-b", "zone-c"],
        "zoneIds": ["id-a", "id-b", "id-c"],
    },
    OFFERS: {"locations": ["zone-a", "zone-b", "zone-c"]},
    "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": "123456789012"},
    "aws:index/getRegion:getRegion": {"region": "region", "name": "region", "id": "region"},
    "aws:index/getPartition:getPartition": {"partition": "aws"},
}
"""What a cloud would say where the program asks it: of some region whose zones all offer everything."""


def answers(raw: RawConfig) -> Mapping[str, Mapping[str, Any]]:
    """ANSWERS, of a region that has the zone which `raw` asks for as well: only AWS can tell that it has not."""
    network = raw.values.get("network")
    zone = network.get("zone") if isinstance(network, dict) else None
    if not zone:
        return ANSWERS
    return {
        **ANSWERS,
        ZONES: {"names": [zone, *ANSWERS[ZONES]["names"]], "zoneIds": ["id", *ANSWERS[ZONES]["zoneIds"]]},
        OFFERS: {"locations": [zone, *ANSWERS[OFFERS]["locations"]]},
    }


class _Echo(mocks.Mocks):
    """A provider that gives back what it was given, and answers what it is asked."""

    def __init__(self, answers: Mapping[str, Mapping[str, Any]]):
        self._answers = answers

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        return (f"{args.name}-id" if args.custom else ""), args.inputs

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]]]:
        return dict(self._answers.get(args.token, {})), []


class _Monitor(mocks.MockMonitor):
    def __init__(self, recording: Recording, raw: RawConfig):
        super().__init__(_Echo(answers(raw)))
        self._recording = recording

    def RegisterResource(self, request: resource_pb2.RegisterResourceRequest) -> Any:  # noqa: N802
        response = super().RegisterResource(request)
        if request.type != STACK_TYPE:
            self._recording.resources.append(recorded(response.urn, request))
        return response

    def RegisterResourceOutputs(self, request: resource_pb2.RegisterResourceOutputsRequest) -> Any:  # noqa: N802
        if f"::{STACK_TYPE}::" in request.urn:
            outputs = rpc.deserialize_properties(request.outputs)
            self._recording.outputs = {name: outputs[name] for name in sorted(outputs)}
        return super().RegisterResourceOutputs(request)


class _Keeper(logging.Handler):
    """Takes in what the program says to the engine's log."""

    def __init__(self, recording: Recording):
        super().__init__()
        self._recording = recording

    def emit(self, record: logging.LogRecord) -> None:
        self._recording.messages.append((record.levelname.lower(), record.getMessage()))


def record(program: Callable[[], None], raw: RawConfig, stack: str, *, preview: bool = True) -> Recording:
    """What `program` asks for under the config `raw`; a mistake that it reports (`pulumi.RunError`) is the error."""
    recording = Recording()
    contextvars.Context().run(_run, program, raw, stack, preview, recording)
    return recording


def _run(program: Callable[[], None], raw: RawConfig, stack: str, preview: bool, recording: Recording) -> None:
    logger = logging.getLogger(f"{__name__}.{id(recording)}")
    logger.propagate, logger.level = False, logging.INFO
    logger.addHandler(_Keeper(recording))
    set_all_config(as_engine_gives_it(raw), [PREFIX + key for key in raw.secrets])
    monitor = _Monitor(recording, raw)
    settings.configure(
        mocks.MockSettings(
            monitor=monitor,
            monitor_features=set(monitor.GetDeploymentInfo(None).supportedFeatures),
            engine=mocks.MockEngine(logger),
            project="trainyard",
            stack=stack,
            dry_run=preview,
            organization=None,
            callbacks=None,
        )
    )
    try:
        asyncio.run(_in_stack(program))
    except pulumi.RunError as error:
        recording.error = str(error)


async def _in_stack(program: Callable[[], None]) -> None:
    await run_in_stack(program)
