# ruff: noqa: N802 (the methods bear the names of the protocol)
"""The double of pulumi-kubernetes, over a real API server.

It has the resources of plain kinds, built-in and custom. It has no charts, no YAML files, no lists, no patches and no
pulumi.com/waitFor, and says so where a program uses one. Deployments, Jobs and claims are waited for, and nothing else.
"""

import functools
from collections.abc import Callable
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2

from . import awaits, differences, rules
from .cluster import (
    CONFLICT,
    FORBIDDEN,
    NOT_FOUND,
    ApiError,
    Cluster,
    UnknownKindError,
    UnreachableError,
    active_cluster,
)
from .provider import (
    UNKNOWN,
    InitError,
    Provider,
    ProviderError,
    Session,
    has_unknown,
    marshal,
    reveal,
    unmarshal,
)

_PAUSES = (0.2, 0.4, 0.8, 1.6, 3.2)
"""Between the attempts to create what lacks its kind or namespace; the true provider's are five times as long."""


class KubernetesSession(Session):
    @functools.cached_property
    def cluster(self) -> Cluster:
        return Cluster(self.config)


class Kubernetes(Provider[KubernetesSession]):
    version = "4.34.2"

    def __init__(self) -> None:
        super().__init__(KubernetesSession)

    def DiffConfig(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> Any:
        """Another cluster, or one that isn't known yet, replaces the provider and all that it made."""
        answer = super().DiffConfig(request, context)
        old, new = reveal(unmarshal(request.old_inputs)), reveal(unmarshal(request.news))
        if new.get("kubeconfig") == UNKNOWN or active_cluster(old) != active_cluster(new):
            answer.replaces.append("kubeconfig")
        return answer

    def Check(self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext) -> Any:
        news, old = unmarshal(request.news), reveal(unmarshal(request.olds))
        new = reveal(news)
        missing = rules.missing(request.type, new)
        if missing:
            raise ProviderError(f"the double of pulumi-kubernetes has no {missing}")
        new = rules.named(new, old, request.name, request.randomSeed)
        new = _in_a_namespace(self.session(context).cluster, new, old)
        return provider_pb2.CheckResponse(inputs=marshal(rules.with_secrets(new, news)))

    def Diff(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> Any:
        old, new = reveal(unmarshal(request.old_inputs)), reveal(unmarshal(request.news))
        if "/" not in request.id:  # a namespace that was guessed before the API server knew the kind
            old, new = rules.without_namespace(old), rules.without_namespace(new)
        answer = differences.response(old, new, functools.partial(rules.replaces, new))
        if rules.annotation(new, rules.REPLACE_UNREADY) == "true" and self._is_unready_job(request, context, old):
            answer.changes = provider_pb2.DiffResponse.DIFF_SOME
            answer.replaces.append(f'.metadata.annotations["{rules.REPLACE_UNREADY}"]')
        answer.deleteBeforeReplace = bool(answer.replaces) and rules.deletes_first(request.id, new)
        return answer

    def _is_unready_job(self, request: Any, context: grpc.ServicerContext, old: rules.Manifest) -> bool:
        session = self.session(context)
        if old.get("kind") != "Job":
            session.log(request.urn, "replaceUnready annotation is not supported for this resource", warning=True)
            return False
        try:
            live = session.cluster.get(rules.at(request.id, old))
        except UnreachableError:
            session.log(request.urn, "Cluster is unreachable, skipping replaceUnready check", warning=True)
            return False
        return live is not None and not awaits.is_complete(live)

    def Create(self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext) -> Any:
        session, inputs = self.session(context), unmarshal(request.properties)
        if request.preview:
            excused = (FORBIDDEN, NOT_FOUND, CONFLICT)  # its namespace is to come, or its predecessor to go
            foreseen = _foreseen(inputs, session.cluster.create, excused)
            return provider_pb2.CreateResponse(properties=marshal(foreseen))
        call = _Call(session, context, request)
        live = call.insisting(lambda: session.cluster.create(reveal(inputs)))
        what = f'resource "{request.urn}" was successfully created, but the Kubernetes API server reported that it'
        made = call.settled(live, inputs, what)
        return provider_pb2.CreateResponse(id=rules.object_id(live), properties=marshal(made))

    def Update(self, request: provider_pb2.UpdateRequest, context: grpc.ServicerContext) -> Any:
        session, inputs = self.session(context), unmarshal(request.news)
        if request.preview:
            foreseen = _foreseen(inputs, session.cluster.update, (FORBIDDEN,))
            return provider_pb2.UpdateResponse(properties=marshal(foreseen))
        what = f'the Kubernetes API server reported that "{request.id}"'
        try:
            live = session.cluster.update(reveal(inputs))
        except ApiError as error:
            live = session.cluster.get(reveal(inputs))
            if live is None:
                raise ProviderError(f'update of resource "{request.urn}" failed: {error}') from error
            raise InitError(request.id, rules.outputs(live, inputs), [f"{what} {_FAILED}: {error}"]) from error
        made = _Call(session, context, request).settled(live, inputs, what)
        return provider_pb2.UpdateResponse(properties=marshal(made))

    def Read(self, request: provider_pb2.ReadRequest, context: grpc.ServicerContext) -> Any:
        cluster, inputs = self.session(context).cluster, unmarshal(request.inputs)
        known = reveal(inputs)
        try:
            live = cluster.get(_in_a_namespace(cluster, rules.at(request.id, known or rules.of_type(request.type)), {}))
        except UnknownKindError:
            live = None
        if live is None:
            return provider_pb2.ReadResponse()
        found = rules.with_secrets(rules.refreshed(known, live) if known else rules.adopted(live), inputs)
        outputs = rules.outputs(live, inputs)
        try:
            if known and rules.annotation(known, rules.SKIP_AWAIT) != "true":
                awaits.look(cluster, live)
        except awaits.UnreadyError as error:
            raise InitError(request.id, outputs, [str(error), *error.reasons], found) from error
        return provider_pb2.ReadResponse(id=request.id, properties=marshal(outputs), inputs=marshal(found))

    def Delete(self, request: provider_pb2.DeleteRequest, context: grpc.ServicerContext) -> empty_pb2.Empty:
        cluster = self.session(context).cluster
        old = rules.at(request.id, reveal(unmarshal(request.old_inputs)))
        try:
            live = cluster.get(old)
            if live:
                cluster.delete(old, rules.propagation(old))
                if not rules.skips_deletion(old):
                    call = _Call(self.session(context), context, request)
                    awaits.until_gone(cluster, live, call.timeout(old), call.halted)
        except ApiError as error:
            if error.status != NOT_FOUND:
                raise
        return empty_pb2.Empty()


_FAILED = "failed to fully initialize or become live"


class _Call:
    """One request that may take long, and that the engine may call off."""

    def __init__(self, session: KubernetesSession, context: grpc.ServicerContext, request: Any):
        self._session = session
        self._context = context
        self._timeout: float = request.timeout  # the resource option custom_timeouts
        self._urn: str = request.urn

    def timeout(self, manifest: rules.Manifest) -> float:
        return rules.timeout(manifest, self._timeout)

    def halted(self, seconds: float) -> bool:
        """Sleeps, and says whether the engine cancels or is gone."""
        return self._session.cancelled.wait(seconds) or not self._context.is_active()

    def insisting(self, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Makes an object, whose kind or namespace may be made only now."""
        try:
            for pause in _PAUSES:
                try:
                    return make()
                except ApiError as error:
                    if error.status != NOT_FOUND or self.halted(pause):
                        raise
            return make()
        except ApiError as error:
            what = f'resource "{self._urn}" was not successfully created by the Kubernetes API server: {error}'
            raise ProviderError(what) from error

    def settled(self, live: dict[str, Any], inputs: dict[str, Any], what: str) -> dict[str, Any]:
        """The outputs of an object that was just written, once it is ready."""
        wanted = reveal(inputs)
        if rules.annotation(wanted, rules.SKIP_AWAIT) == "true":
            return rules.outputs(live, inputs)
        try:
            return rules.outputs(awaits.settle(self._session.cluster, live, self.timeout(wanted), self.halted), inputs)
        except awaits.UnreadyError as error:
            reasons = [f"{what} {_FAILED}: {error}", *error.reasons]
            raise InitError(rules.object_id(live), rules.outputs(error.live, inputs), reasons) from error


def _foreseen(inputs: dict[str, Any], write: Callable[..., dict[str, Any]], excused: tuple[int, ...]) -> dict[str, Any]:
    """What the API server would make of the inputs; themselves where it can't know, or isn't there."""
    if has_unknown(inputs):
        return inputs
    try:
        live = write(reveal(inputs), dry_run=True)
    except (UnknownKindError, UnreachableError):
        return inputs
    except ApiError as error:
        if error.status in excused:
            return inputs
        raise
    live.pop("status", None)
    return rules.outputs(live, inputs)


def _in_a_namespace(cluster: Cluster, new: dict[str, Any], old: rules.Manifest) -> dict[str, Any]:
    """`new` with the provider's namespace where it has none and needs one; a kind that nobody knows yet needs one."""
    metadata = new.get("metadata", {})
    if not isinstance(metadata, dict) or metadata.get("namespace"):
        return new
    try:
        namespaced = cluster.kind(new["apiVersion"], new["kind"]).namespaced
    except UnknownKindError:
        namespaced = True
    except UnreachableError:
        namespaced = not old or "namespace" in old["metadata"]
    return {**new, "metadata": {**metadata, "namespace": cluster.namespace}} if namespaced else new
