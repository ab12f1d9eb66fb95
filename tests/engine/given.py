"""What the tests of the doubles are given: objects of Kubernetes, and an engine's connection."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
from pulumi.runtime.proto import plugin_pb2, provider_pb2_grpc

JOB = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "train", "namespace": "runs", "labels": {"app": "x"}},
    "spec": {
        "backoffLimit": 0,
        "parallelism": 2,
        "template": {"spec": {"containers": [{"name": "main", "args": ["a"]}]}},
    },
}


def manifest(kind: str, api_version: str = "v1", **fields: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "one", "namespace": "runs"}, **fields}


def changed(whole: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """`whole` with another value at the dotted path."""
    first, _, rest = path.partition(".")
    return {**whole, first: changed(whole.get(first, {}), rest, value) if rest else value}


@contextmanager
def stub(port: int) -> Iterator[provider_pb2_grpc.ResourceProviderStub]:
    """An engine's connection for one provider instance."""
    with grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
        engine = provider_pb2_grpc.ResourceProviderStub(channel)
        engine.Attach(plugin_pb2.PluginAttach(address="127.0.0.1:1"))
        yield engine
