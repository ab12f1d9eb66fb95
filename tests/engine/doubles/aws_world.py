"""One AWS account in one region: what exists in it, what happened to it, and what is to go wrong."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from . import aws_kinds, aws_refusals
from .aws_rules import Reference, goes_along, references
from .provider import ProviderError

Verb = Literal["create", "update", "delete"]
Halted = Callable[[float], bool]
"""Sleeps for the seconds that it is given, or until the engine cancels, and says whether it has."""


class CancelledError(Exception):
    """The engine wanted no more while AWS was still at it; what it had begun goes on without anybody waiting."""


@dataclass(eq=False)
class Thing:
    """An object of AWS. `owner` is the id of the one that AWS made it for, if no program asked for it."""

    kind: str
    id: str
    name: str
    inputs: dict[str, Any]
    outputs: dict[str, Any] = field(default_factory=dict)
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """`name` is the resource's in the program; the times are of time.monotonic."""

    verb: Verb
    kind: str
    name: str
    id: str
    began: float
    ended: float


@dataclass(slots=True)
class _Fault:
    verb: Verb
    kind: str
    times: int
    message: str


class World:
    """`latency` is how long an operation takes, in seconds, by kind (ec2.Subnet), or for all others by "".

    `journal` is what has been done, in the order in which it was done. `contents` is what objects hold that no stack
    knows of, such as the files of a bucket, by the holder's id.
    """

    def __init__(self) -> None:
        self.journal: list[Event] = []
        self.latency: dict[str, float] = {}
        self.contents: dict[str, list[str]] = {}
        self._things: dict[tuple[str, str], Thing] = {}
        self._faults: list[_Fault] = []
        self._lock = threading.RLock()

    def all(self, kind: str = "") -> list[Thing]:
        """What exists, of a kind or of all, the oldest first; also what AWS made by itself."""
        with self._lock:
            return [one for one in self._things.values() if kind in ("", one.kind)]

    def made(self) -> list[Thing]:
        """What exists and was asked for."""
        return [one for one in self.all() if not one.owner]

    def get(self, kind: str, id_: str) -> Thing | None:
        return self._things.get((kind, id_))

    def named(self, reference: Reference) -> Thing | None:
        """What a reference names, if it exists."""
        for one in self.all(reference.kind):
            if reference.value in (one.id, one.outputs.get(reference.by)):
                return one
        return None

    def owned_by(self, thing: Thing) -> list[Thing]:
        return [one for one in self.all() if one.owner == thing.id]

    def events(self, verb: Verb | None = None, kind: str = "", name: str = "") -> list[Event]:
        return [
            one
            for one in self.journal
            if verb in (None, one.verb) and kind in ("", one.kind) and one.name.startswith(name)
        ]

    def fail(self, kind: str, message: str = "an internal error", *, times: int = 1, verb: Verb = "create") -> None:
        """Lets the next operations of this kind fail, and do nothing."""
        self._faults.append(_Fault(verb, kind, times, message))

    def create(self, thing: Thing, halted: Halted) -> None:
        """Adds the thing, with its outputs; ProviderError where AWS refuses, CancelledError where it is still at it."""
        began = self._begin("create", thing)
        with self._lock:
            _refuse(aws_refusals.of_create(self, thing))
            self._things[thing.kind, thing.id] = thing
            for own in _brought_along(self, thing):
                self._things.setdefault((own.kind, own.id), own)
        self._end("create", thing, began, halted)

    def update(self, thing: Thing, inputs: dict[str, Any], outputs: dict[str, Any], halted: Halted) -> None:
        began = self._begin("update", thing)
        with self._lock:
            _refuse(aws_refusals.of_references(self, Thing(thing.kind, thing.id, thing.name, inputs)))
            thing.inputs, thing.outputs = inputs, outputs
        self._end("update", thing, began, halted)

    def delete(self, thing: Thing, halted: Halted) -> None:
        began = self._begin("delete", thing)
        _refuse(aws_refusals.of_delete(self, thing))
        cancelled = self._wait(thing, halted)
        with self._lock:
            _refuse(aws_refusals.of_delete(self, thing))
            self._remove(thing)
            self._note("delete", thing, began)
        if cancelled:
            raise CancelledError

    def _remove(self, thing: Thing) -> None:
        """Takes away the thing, and what is nothing without it."""
        self._things.pop((thing.kind, thing.id), None)
        self.contents.pop(thing.id, None)
        for other in self.all():
            orphaned = (one for one in references(other.kind, other.inputs) if one.kind == thing.kind)
            named = {thing.id, thing.outputs.get("arn")}
            if other.owner == thing.id or any(one.value in named and goes_along(other.kind, one) for one in orphaned):
                self._remove(other)

    def _begin(self, verb: Verb, thing: Thing) -> float:
        with self._lock:
            for fault in self._faults:
                if (fault.verb, fault.kind) == (verb, thing.kind) and fault.times > 0:
                    fault.times -= 1
                    raise ProviderError(f"{verb} of {thing.kind} '{thing.name}': {fault.message}")
        return time.monotonic()

    def _end(self, verb: Verb, thing: Thing, began: float, halted: Halted) -> None:
        cancelled = self._wait(thing, halted)
        self._note(verb, thing, began)
        if cancelled:
            raise CancelledError

    def _wait(self, thing: Thing, halted: Halted) -> bool:
        seconds = self.latency.get(thing.kind, self.latency.get("", 0))
        return seconds > 0 and halted(seconds)

    def _note(self, verb: Verb, thing: Thing, began: float) -> None:
        with self._lock:
            self.journal.append(Event(verb, thing.kind, thing.name, thing.id, began, time.monotonic()))


def _refuse(refusals: Any) -> None:
    for refusal in refusals:
        raise ProviderError(refusal)


def _brought_along(world: World, thing: Thing) -> list[Thing]:
    """What AWS makes by itself for a new object."""
    made = _COMPANIONS.get(thing.kind)
    return made(world, thing) if made else []


def _of_vpc(_: World, thing: Thing) -> list[Thing]:
    group, table = (thing.outputs[one] for one in ("defaultSecurityGroupId", "mainRouteTableId"))
    return [
        Thing("ec2.SecurityGroup", group, "default", {"name": "default"}, {"id": group}, thing.id),
        Thing("ec2.RouteTable", table, "main", {}, {"id": table}, thing.id),
    ]


def _of_cluster(_: World, thing: Thing) -> list[Thing]:
    """A security group, and an access entry for who made the cluster."""
    group = thing.outputs["vpcConfig"]["clusterSecurityGroupId"]
    made = [Thing("ec2.SecurityGroup", group, "cluster", {"name": f"eks-{thing.id}"}, {"id": group}, thing.id)]
    access = thing.inputs.get("accessConfig", {})
    if access.get("bootstrapClusterCreatorAdminPermissions", True):
        made.append(_entry(thing.id, aws_kinds.USER, thing))
    return made


def _of_node_group(world: World, thing: Thing) -> list[Thing]:
    """An Auto Scaling group, and the access entry that its nodes' role needs."""
    group = thing.outputs["resources"][0]["autoscalingGroups"][0]["name"]
    made = [Thing("autoscaling.Group", group, "scaled", {}, {"id": group}, thing.id)]
    cluster, role = thing.inputs["clusterName"], thing.inputs["nodeRoleArn"]
    entry = _entry(cluster, role, thing)
    return made if world.get(entry.kind, entry.id) else [*made, entry]


def _entry(cluster: str, principal: str, owner: Thing) -> Thing:
    inputs = {"clusterName": cluster, "principalArn": principal}
    return Thing("eks.AccessEntry", f"{cluster}:{principal}", "by EKS", inputs, {}, owner.id)


_COMPANIONS: Mapping[str, Any] = {"ec2.Vpc": _of_vpc, "eks.Cluster": _of_cluster, "eks.NodeGroup": _of_node_group}
