# ruff: noqa: N802 (the methods bear the names of the protocol)
"""The double of pulumi-aws, over a made-up account.

It has every resource that the SDK declares: inputs are held against those declarations, and come back as outputs with
what aws_kinds adds. What it lacks of AWS: quotas, rights, prices, and most of what makes a value wrong within its type.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2

from . import aws_kinds, aws_rules, aws_types, differences
from .aws_answers import Answers
from .aws_rules import DEFAULTS
from .aws_types import Problem, UnknownTypeError
from .aws_world import CancelledError, Thing, World
from .provider import UNKNOWN, InitError, Provider, ProviderError, Session, mark, marshal, reveal, unmarshal

Values = dict[str, Any]


class Aws(Provider[Session]):
    """`world` outlives the engines that work on it; `answers` is what data sources say."""

    version = "7.51.1"

    def __init__(self, world: World | None = None):
        super().__init__(Session)
        self.world = world or World()
        self.answers = Answers(self.world)

    def Check(self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext) -> Any:
        news, olds = unmarshal(request.news), reveal(unmarshal(request.olds))
        found = declared(aws_types.problems, request.type, reveal(news))
        if found:
            return provider_pb2.CheckResponse(inputs=request.news, failures=failures(found))
        if "tags" in aws_types.arguments(request.type):
            news = _tagged(news, self.session(context))
        kind = aws_kinds.short(request.type)
        made = aws_rules.named(kind, request.type, news, olds, name=request.name, seed=request.randomSeed)
        return provider_pb2.CheckResponse(inputs=marshal(made))

    def Diff(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> Any:
        kind, token = aws_kinds.short(request.type), request.type
        old, noted = _plain(request.old_inputs), reveal(unmarshal(request.news))
        answer = differences.response(
            old, _plain(request.news), lambda path, value: aws_rules.replaces(kind, token, old, path, value)
        )
        answer.deleteBeforeReplace = bool(answer.replaces) and aws_rules.deletes_first(kind, token, noted)
        return answer

    def Create(self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext) -> Any:
        inputs = unmarshal(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=marshal(_foreseen(request.type, inputs)))
        kind, plain = aws_kinds.short(request.type), _plain(request.properties)
        id_ = self._adopted(kind, plain) or aws_kinds.made_id(kind, plain, request.name)
        thing = Thing(kind, id_, request.name, plain, self._outputs(request.type, plain, id_, {}))
        made = mark(thing.outputs, inputs)
        try:
            self.world.create(thing, self.session(context).cancelled.wait)
        except CancelledError:
            raise InitError(id_, made, ["context canceled while it was being created"]) from None
        return provider_pb2.CreateResponse(id=id_, properties=marshal(made))

    def Update(self, request: provider_pb2.UpdateRequest, context: grpc.ServicerContext) -> Any:
        inputs, plain = unmarshal(request.news), _plain(request.news)
        if request.preview:
            changed = _plain(request.old_inputs) != plain
            foreseen = _kept(request.type, inputs, unmarshal(request.olds), renewed=lambda _: changed and UNKNOWN)
            return provider_pb2.UpdateResponse(properties=marshal(foreseen))
        thing = self._existing(request)
        outputs = self._outputs(request.type, plain, request.id, thing.outputs)
        try:
            self.world.update(thing, plain, outputs, self.session(context).cancelled.wait)
        except CancelledError:
            raise InitError(request.id, mark(outputs, inputs), ["context canceled while it was changed"]) from None
        return provider_pb2.UpdateResponse(properties=marshal(mark(outputs, inputs)))

    def Read(self, request: provider_pb2.ReadRequest, context: grpc.ServicerContext) -> Any:
        thing = self.world.get(aws_kinds.short(request.type), request.id)
        if thing is None:
            return provider_pb2.ReadResponse()
        known = unmarshal(request.inputs)
        noted = {DEFAULTS: known[DEFAULTS]} if DEFAULTS in known else {}
        inputs, outputs = mark({**thing.inputs, **noted}, known), mark(thing.outputs, known)
        return provider_pb2.ReadResponse(id=thing.id, properties=marshal(outputs), inputs=marshal(inputs))

    def Delete(self, request: provider_pb2.DeleteRequest, context: grpc.ServicerContext) -> empty_pb2.Empty:
        thing = self.world.get(aws_kinds.short(request.type), request.id)
        try:
            if thing:
                self.world.delete(thing, self.session(context).cancelled.wait)
        except CancelledError:
            raise ProviderError("context canceled while it was being deleted") from None
        return empty_pb2.Empty()

    def Invoke(self, request: provider_pb2.InvokeRequest, context: grpc.ServicerContext) -> Any:
        arguments = reveal(unmarshal(request.args))
        found = declared(aws_types.invoke_problems, request.tok, arguments)
        if found:
            return provider_pb2.InvokeResponse(failures=failures(found))
        answer = self.answers.to(request.tok.rpartition(":")[2], arguments)
        returned: dict[str, Any] = {"return": marshal(answer)}
        return provider_pb2.InvokeResponse(**returned)

    def _existing(self, request: Any) -> Thing:
        thing = self.world.get(aws_kinds.short(request.type), request.id)
        if thing is None:
            raise ProviderError(f"{request.type} '{request.id}' does not exist")
        return thing

    def _adopted(self, kind: str, inputs: Mapping[str, Any]) -> str:
        """The id of what AWS has made already, for the resources that take such over."""
        vpc = self.world.get("ec2.Vpc", inputs.get("vpcId", "")) if kind == "ec2.DefaultSecurityGroup" else None
        return vpc.outputs["defaultSecurityGroupId"] if vpc else ""

    def _outputs(self, token: str, inputs: Values, id_: str, before: Values) -> Values:
        """Of a new object, or of one that was made with the outputs `before`."""
        kind = aws_kinds.short(token)
        if before:
            return _kept(token, inputs, before, renewed=lambda version: (version or 0) + 1)
        subnets = [inputs.get("subnetId"), *_listed(inputs.get("subnetIds"))]
        vpcs = [one.inputs["vpcId"] for one in self.world.all("ec2.Subnet") if one.id in subnets]
        made = {"vpcId": vpcs[0]} if vpcs else {}
        made |= aws_kinds.computed(kind, inputs, id_) | dict.fromkeys(_RENEWED.get(kind, ()), 1)
        made |= {"tagsAll": inputs.get("tags", {})}
        names = aws_types.output_names(token)
        return _merged({name: one for name, one in made.items() if name in names}, inputs)


_RENEWED: Mapping[str, tuple[str, ...]] = {"ec2.LaunchTemplate": ("latestVersion",)}
"""Outputs that every change of the object counts up."""


def declared(of: Callable[[str, Values], list[Problem]], token: str, inputs: Values) -> list[Problem]:
    try:
        return of(token, inputs)
    except UnknownTypeError as error:
        raise ProviderError(str(error)) from error


def failures(found: list[Problem]) -> list[provider_pb2.CheckFailure]:
    return [provider_pb2.CheckFailure(property=differences.text(path), reason=why) for path, why in found]


def _plain(struct: Any) -> Values:
    """Inputs as AWS sees them: no secrets, and no notes of the provider's."""
    return {name: one for name, one in reveal(unmarshal(struct)).items() if name != DEFAULTS}


def _tagged(news: Values, session: Session) -> Values:
    """The inputs with the provider's default tags, which reach it as JSON."""
    told = session.config.get("defaultTags") or {}
    tags = (json.loads(told) if isinstance(told, str) else told).get("tags")
    own = news.get("tags", {})
    return {**news, "tags": {**tags, **own}} if tags and isinstance(own, dict) else news


def _foreseen(token: str, inputs: Values) -> Values:
    """What a preview knows of a new object's outputs: its inputs, and that there will be others."""
    unknown = dict.fromkeys(aws_types.output_names(token), UNKNOWN)
    computed = aws_kinds.computed(aws_kinds.short(token), {}, "")
    nested = {name: dict.fromkeys(one, UNKNOWN) for name, one in computed.items() if isinstance(one, dict)}
    return _merged({**unknown, **{name: one for name, one in nested.items() if name in inputs}}, inputs)


def _kept(token: str, inputs: Values, before: Values, renewed: Callable[[Any], Any]) -> Values:
    """The outputs after a change: what was computed stays, but for what each change renews."""
    kind = aws_kinds.short(token)
    computed = {*aws_kinds.computed(kind, inputs, ""), *(aws_types.output_names(token) - {*aws_types.arguments(token)})}
    kept = {name: one for name, one in before.items() if name in computed}
    kept |= {name: renewed(before.get(name)) or before.get(name) for name in _RENEWED.get(kind, ())}
    return _merged({**kept, "tagsAll": inputs.get("tags", {})}, inputs)


def _merged(computed: Values, inputs: Values) -> Values:
    both = {name for name in inputs if isinstance(inputs[name], dict) and isinstance(computed.get(name), dict)}
    return {**computed, **inputs, **{name: {**computed[name], **inputs[name]} for name in both}}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
