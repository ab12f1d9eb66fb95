"""Components that a double constructs: their children are registered with the engine, by the SDK's own servicer."""

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from typing import Any

import grpc
from pulumi.provider import Provider as ComponentProvider
from pulumi.provider.server import ProviderServicer
from pulumi.runtime.proto import provider_pb2

from .provider import ProviderError


def construct(
    provider: ComponentProvider, engine: str, request: provider_pb2.ConstructRequest, context: grpc.ServicerContext
) -> Any:
    """Has `provider` construct what `request` asks for; ProviderError where that fails or nobody waits any more."""
    unused: Any = context
    work = _while_wanted(ProviderServicer(provider, [], engine).Construct(request, unused), context.is_active)
    try:
        # the SDK's settings are the context's: those of a program in this process are others
        return contextvars.Context().run(asyncio.run, work)
    except (Exception, asyncio.CancelledError) as error:
        raise ProviderError(str(error)) from error


async def _while_wanted(work: Coroutine[Any, Any, Any], wanted: Callable[[], bool]) -> Any:
    """The SDK waits for ever where an engine is gone before it has answered."""
    task = asyncio.ensure_future(work)
    while not task.done():
        await asyncio.wait([task], timeout=_POLL)
        if not wanted():
            task.cancel()
    return task.result()


_POLL = 0.2
