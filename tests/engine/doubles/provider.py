# ruff: noqa: N802 (the methods bear the names of the protocol)
"""What the doubles share: values on the wire, errors that the engine understands, and sessions.

Values are plain Python. An unknown is the engine's sentinel string, UNKNOWN, and a secret stays the dict that it is on
the wire, so that both come back from a round trip as they were; `reveal` and `mark` take secrets off and put them on.
"""

import contextlib
import functools
import json
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime import rpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

UNKNOWN = rpc.UNKNOWN


def unmarshal(struct: struct_pb2.Struct) -> dict[str, Any]:
    return _with_integers(json_format.MessageToDict(struct))


def marshal(values: Mapping[str, Any]) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    struct.update(dict(values))
    return struct


def _with_integers(value: Any) -> Any:
    """The wire knows floats only, and an API server takes no 1.0 for an integer."""
    if isinstance(value, dict):
        return {key: _with_integers(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_with_integers(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def reveal(value: Any) -> Any:
    value = rpc.unwrap_rpc_secret(value)
    if isinstance(value, dict):
        return {key: reveal(one) for key, one in value.items()}
    return [reveal(one) for one in value] if isinstance(value, list) else value


def mark(values: Mapping[str, Any], like: Mapping[str, Any]) -> dict[str, Any]:
    """`values` with the secrets of `like`: key by key in dicts, and a whole list where one of its items is secret."""
    marked = dict(values)
    for key, model in like.items():
        if key not in values:
            continue
        if isinstance(model, dict) and isinstance(values[key], dict) and not rpc.is_rpc_secret(model):
            marked[key] = mark(values[key], model)
        elif reveal(model) != model:
            marked[key] = rpc.wrap_rpc_secret(values[key])
    return marked


def has_unknown(value: Any) -> bool:
    return UNKNOWN in json.dumps(value)


class ProviderError(Exception):
    """What a provider tells the engine, in words for its user."""


@dataclass(eq=False)
class InitError(Exception):
    """The object is there but not well: the engine saves it, with `reasons`, and the next update takes it up again."""

    id: str
    properties: Mapping[str, Any]
    reasons: list[str]
    inputs: Mapping[str, Any] | None = None

    def packed(self) -> bytes:
        inputs = None if self.inputs is None else marshal(self.inputs)
        status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=self.reasons[0])
        status.details.add().Pack(
            provider_pb2.ErrorResourceInitFailed(
                id=self.id, properties=marshal(self.properties), reasons=self.reasons, inputs=inputs
            )
        )
        return status.SerializeToString()


class Errors(grpc.ServerInterceptor):
    """Turns what a handler raises into what the engine understands."""

    def intercept_service(self, continuation: Callable[..., Any], handler_call_details: Any) -> Any:
        handler = continuation(handler_call_details)
        if handler is None or handler.unary_unary is None:
            return handler
        method = functools.partial(_call, handler.unary_unary)
        return grpc.unary_unary_rpc_method_handler(method, handler.request_deserializer, handler.response_serializer)


def _call(method: Callable[..., Any], request: Any, context: grpc.ServicerContext) -> Any:
    if _is_of_the_protocol_alone(method):
        context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the double does not answer a {type(request).__name__}")
    try:
        return method(request, context)
    except InitError as error:
        context.set_trailing_metadata((("grpc-status-details-bin", error.packed()),))
        context.abort(grpc.StatusCode.UNKNOWN, error.reasons[0])
    except ProviderError as error:
        context.abort(grpc.StatusCode.UNKNOWN, str(error))
    except Exception:
        context.abort(grpc.StatusCode.INTERNAL, f"a mistake of the double:\n{traceback.format_exc()}")


def _is_of_the_protocol_alone(method: Callable[..., Any]) -> bool:
    """Whether a double left `method` as the protocol has it. To the engine that is a feature less, not a mistake."""
    of_protocol = getattr(provider_pb2_grpc.ResourceProviderServicer, method.__name__)
    return getattr(method, "__func__", None) is of_protocol


@dataclass(eq=False)
class Session:
    """One provider instance of one engine."""

    engine: str
    config: Mapping[str, Any] = field(default_factory=dict)
    cancelled: threading.Event = field(default_factory=threading.Event)

    def log(self, urn: str, message: str, *, warning: bool = False) -> None:
        """Shows `message` beside the resource: for good where it is a warning, else until the next."""
        severity = engine_pb2.WARNING if warning else engine_pb2.INFO
        request = engine_pb2.LogRequest(severity=severity, message=message, urn=urn, ephemeral=not warning)
        with contextlib.suppress(grpc.RpcError):  # an engine that was killed
            self._stub.Log(request)

    @functools.cached_property
    def _stub(self) -> engine_pb2_grpc.EngineStub:
        return engine_pb2_grpc.EngineStub(grpc.insecure_channel(self.engine))


S = TypeVar("S", bound=Session)


class Provider(provider_pb2_grpc.ResourceProviderServicer, Generic[S]):
    """A provider of any number of engines and instances.

    Requests don't say which instance of a provider they are for: the true one has a process for each. But the engine
    attaches each instance over a connection of its own, so the caller's address tells them apart; a caller that never
    attached, as after a lost connection, is taken for the last one that was configured.
    """

    version = "0.0.0"

    def __init__(self, make_session: Callable[[str], S]):
        self._make_session = make_session
        self._sessions: dict[str, S] = {}
        self._last = make_session("")

    def session(self, context: grpc.ServicerContext) -> S:
        return self._sessions.get(context.peer(), self._last)

    def cancel(self) -> None:
        """Ends what waits, for all engines."""
        for session in [self._last, *self._sessions.values()]:
            session.cancelled.set()

    def Handshake(self, request: provider_pb2.ProviderHandshakeRequest, context: grpc.ServicerContext) -> Any:
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    def Attach(self, request: plugin_pb2.PluginAttach, context: grpc.ServicerContext) -> empty_pb2.Empty:
        self._sessions[context.peer()] = self._make_session(request.address)
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=self.version)

    def CheckConfig(self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> Any:
        same = request.old_inputs == request.news
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_NONE if same else provider_pb2.DiffResponse.DIFF_SOME
        )

    def Configure(self, request: provider_pb2.ConfigureRequest, context: grpc.ServicerContext) -> Any:
        self._last = self.session(context)
        self._last.config = reveal(unmarshal(request.args))
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        self.session(context).cancelled.set()
        return empty_pb2.Empty()
