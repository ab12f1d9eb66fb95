# ruff: noqa: N802 (the methods bear the names of the protocol)
"""A double of pulumi-kubernetes without a cluster: it takes what it is given, and everything is ready at once.

For stacks whose cluster is itself a double. It names, compares and replaces as the true one does. Charts and YAML files
are components without children. A namespace takes what is in it along, and is not deleted while something else is.
"""

import functools
from collections.abc import Mapping
from typing import Any

import grpc
import pulumi
from google.protobuf import empty_pb2
from pulumi.provider import ConstructResult
from pulumi.provider import Provider as ComponentProvider
from pulumi.runtime.proto import provider_pb2

from . import differences, rules
from .components import construct
from .provider import Provider, ProviderError, Session, has_unknown, marshal, reveal, unmarshal

RELEASE = "kubernetes:helm.sh/v3:Release"
COMPONENTS = ("kubernetes:helm.sh/v4:Chart", "kubernetes:yaml/v2:ConfigFile", "kubernetes:yaml/v2:ConfigGroup")


class Paper(Provider[Session]):
    """`objects` is what there is, by kind and id; `failing` are kinds whose creation fails."""

    version = "4.34.2"

    def __init__(self) -> None:
        super().__init__(Session)
        self.objects: dict[tuple[str, str], dict[str, Any]] = {}
        self.failing: set[str] = set()

    def Check(self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext) -> Any:
        news = unmarshal(request.news)
        if request.type == RELEASE:
            return provider_pb2.CheckResponse(inputs=request.news)
        named = rules.named(reveal(news), reveal(unmarshal(request.olds)), request.name, request.randomSeed)
        return provider_pb2.CheckResponse(inputs=marshal(rules.with_secrets(named, news)))

    def Diff(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> Any:
        old, new = reveal(unmarshal(request.old_inputs)), reveal(unmarshal(request.news))
        if request.type == RELEASE:
            return differences.response(old, new, lambda *_: False)
        answer = differences.response(old, new, functools.partial(rules.replaces, new))
        answer.deleteBeforeReplace = bool(answer.replaces) and rules.deletes_first(request.id, new)
        return answer

    def Create(self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext) -> Any:
        inputs = unmarshal(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=request.properties)
        plain, kind = reveal(inputs), request.type
        if has_unknown(plain):
            raise ProviderError(f"{kind} {request.name}: an input is not known")
        if plain.get("kind", kind) in self.failing:
            raise ProviderError(f"{kind} {request.name}: a fault made on purpose")
        id_ = _id(plain)
        self._require_namespace(plain)
        self.objects[kind, id_] = plain
        return provider_pb2.CreateResponse(id=id_, properties=marshal(inputs))

    def Update(self, request: provider_pb2.UpdateRequest, context: grpc.ServicerContext) -> Any:
        if not request.preview:
            self.objects[request.type, request.id] = reveal(unmarshal(request.news))
        return provider_pb2.UpdateResponse(properties=request.news)

    def Read(self, request: provider_pb2.ReadRequest, context: grpc.ServicerContext) -> Any:
        if (request.type, request.id) not in self.objects:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(id=request.id, inputs=request.inputs, properties=request.inputs)

    def Delete(self, request: provider_pb2.DeleteRequest, context: grpc.ServicerContext) -> Any:
        inside = [place for place in self.objects if place[1].startswith(f"{request.id}/")]
        if request.type.endswith(":Namespace") and inside:
            raise ProviderError(f"the namespace {request.id} still holds {inside}")
        self.objects.pop((request.type, request.id), None)
        return empty_pb2.Empty()

    def Construct(self, request: provider_pb2.ConstructRequest, context: grpc.ServicerContext) -> Any:
        if request.type not in COMPONENTS:
            raise ProviderError(f"the paper double of pulumi-kubernetes has no {request.type}")
        return construct(_Empty(self.version), self.session(context).engine, request, context)

    def _require_namespace(self, plain: Mapping[str, Any]) -> None:
        namespace = (plain.get("metadata") or plain).get("namespace")
        own = {name for kind, name in self.objects if kind.endswith(":Namespace")}
        if namespace and namespace not in own | SYSTEM and not plain.get("createNamespace"):
            raise ProviderError(f"namespaces {namespace!r} not found")


SYSTEM = {"default", "kube-system", "kube-public", "kube-node-lease"}


def _id(plain: Mapping[str, Any]) -> str:
    """An object's id: its name, with its namespace where it has one. A release has both at its top."""
    told = plain.get("metadata") or plain
    return "/".join(filter(None, (told.get("namespace"), told["name"])))


class _Empty(ComponentProvider):
    def construct(
        self, name: str, resource_type: str, inputs: Mapping[str, Any], options: pulumi.ResourceOptions | None = None
    ) -> ConstructResult:
        made = pulumi.ComponentResource(resource_type, name, inputs, options)
        outputs = {"resources": []}
        made.register_outputs(outputs)
        return ConstructResult(made.urn, outputs)
