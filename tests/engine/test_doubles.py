"""What the doubles share: values on the wire, sessions, errors, and a construction that the engine leaves."""

import contextlib
import socket
from typing import Any
from unittest.mock import Mock

import grpc
import pulumi
import pytest
from google.protobuf import empty_pb2
from pulumi.provider import ConstructResult
from pulumi.provider import Provider as ComponentProvider
from pulumi.runtime import rpc
from pulumi.runtime.proto import provider_pb2, status_pb2

from .doubles import components, rules, serve
from .doubles.provider import UNKNOWN, InitError, Provider, ProviderError, Session, mark, marshal, reveal, unmarshal
from .given import manifest, stub

# --- values on the wire


def test_secrets_unknowns_and_integers_come_back_as_they_went() -> None:
    values = {"known": 3, "half": 0.5, "list": [1, {"unknown": UNKNOWN}], "secret": rpc.wrap_rpc_secret({"deep": 1})}
    back = unmarshal(marshal(values))
    assert back == values
    assert isinstance(back["known"], int)
    assert reveal(back)["secret"] == {"deep": 1}


def test_outputs_are_secret_where_inputs_are_and_lists_as_a_whole() -> None:
    secret = rpc.wrap_rpc_secret("x")
    marked = mark({"a": {"b": "x", "c": "y"}, "l": ["x", "y"], "more": 1}, {"a": {"b": secret}, "l": ["y", secret]})
    assert marked == {"a": {"b": secret, "c": "y"}, "l": rpc.wrap_rpc_secret(["x", "y"]), "more": 1}


def test_the_data_of_a_secret_is_secret_however_it_was_given() -> None:
    outputs = rules.outputs(manifest("Secret", data={"a": "eA=="}), manifest("Secret", stringData={"a": "x"}))
    assert rpc.is_rpc_secret(outputs["data"])


# --- sessions and errors


class Echo(Provider[Session]):
    """Reads its own config, and whether it was cancelled."""

    def __init__(self) -> None:
        super().__init__(Session)

    def Read(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        session = self.session(context)
        if request.id == "unfinished":
            raise NotImplementedError
        if request.id == "broken":
            raise InitError("broken", {"a": 1}, ["it broke", "badly"])
        return provider_pb2.ReadResponse(properties=marshal({**session.config, "over": session.cancelled.is_set()}))


def test_instances_on_one_port_have_their_own_config_and_are_cancelled_alone() -> None:
    with serve(Echo()) as port, stub(port) as one, stub(port) as other:
        for engine, name in ((one, "one"), (other, "other")):
            engine.Configure(provider_pb2.ConfigureRequest(args=marshal({"name": name})))
        one.Cancel(empty_pb2.Empty())
        seen = [unmarshal(engine.Read(provider_pb2.ReadRequest()).properties) for engine in (one, other)]
    assert seen == [{"name": "one", "over": True}, {"name": "other", "over": False}]


def test_an_object_that_is_not_well_reaches_the_engine_with_its_state_and_reasons() -> None:
    with serve(Echo()) as port, stub(port) as engine, pytest.raises(grpc.RpcError) as caught:
        engine.Read(provider_pb2.ReadRequest(id="broken"))
    metadata = {one.key: one.value for one in caught.value.trailing_metadata()}  # type: ignore[attr-defined]
    detail = provider_pb2.ErrorResourceInitFailed()
    status_pb2.Status.FromString(metadata["grpc-status-details-bin"]).details[0].Unpack(detail)
    assert (detail.id, unmarshal(detail.properties), list(detail.reasons)) == (
        "broken",
        {"a": 1},
        ["it broke", "badly"],
    )


def test_what_a_double_leaves_out_is_told_from_a_mistake_in_what_it_answers() -> None:
    with serve(Echo()) as port, stub(port) as engine:
        with pytest.raises(grpc.RpcError, match="does not answer a CreateRequest") as left_out:
            engine.Create(provider_pb2.CreateRequest())
        with pytest.raises(grpc.RpcError, match="a mistake of the double") as mistake:
            engine.Read(provider_pb2.ReadRequest(id="unfinished"))
    codes = [caught.value.code() for caught in (left_out, mistake)]  # type: ignore[attr-defined]
    assert codes == [grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.INTERNAL]


def test_a_construction_ends_when_the_engine_is_gone_without_an_answer() -> None:
    class Nothing(ComponentProvider):
        def construct(self, name: str, resource_type: str, inputs: Any, options: Any = None) -> ConstructResult:
            made = pulumi.ComponentResource(resource_type, name, {}, options)
            return ConstructResult(made.urn, {})

    with socket.create_server(("127.0.0.1", 0)) as silent:
        engine = f"127.0.0.1:{silent.getsockname()[1]}"
        request = provider_pb2.ConstructRequest(
            type="test:index:Nothing", name="one", project="a", stack="b", monitorEndpoint=engine, parallel=1
        )

        def leaves() -> bool:
            with contextlib.suppress(OSError):  # asked a second time
                silent.accept()[0].close()
            silent.close()
            return False

        with pytest.raises(ProviderError):
            components.construct(Nothing("1.0.0"), engine, request, Mock(is_active=leaves))
