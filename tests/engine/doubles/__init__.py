"""Doubles of Pulumi provider plugins, served from this process to a real engine.

For each `package:port` that PULUMI_DEBUG_PROVIDERS names, the engine attaches to that port and starts no plugin.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from .provider import Errors, Provider

_WORKERS = 64
"""A thread is held by each call that waits in the cluster or for a command."""


@contextmanager
def serve(servicer: Provider) -> Iterator[int]:
    """Serves on a free port of the loopback; on leaving, what still waits in the servicer is cancelled."""
    pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix=type(servicer).__name__)
    options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    server = grpc.server(pool, interceptors=[Errors()], options=options)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        servicer.cancel()
        server.stop(grace=5).wait()
        pool.shutdown()


@contextmanager
def attached(servicers: Mapping[str, Provider]) -> Iterator[str]:
    """Serves each package's double and yields what PULUMI_DEBUG_PROVIDERS has to be for an engine to find them."""
    with ExitStack() as stack:
        yield ",".join(f"{package}:{stack.enter_context(serve(one))}" for package, one in servicers.items())
