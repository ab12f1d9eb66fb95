"""What the running program has declared, kept on its way to the engine: what the costs among its outputs are told of.

Nothing is declared twice and nobody is asked for anything: a preview takes no longer for it.
"""

from collections.abc import Sequence
from typing import Any

import pulumi
from pulumi.runtime import settings
from pulumi.runtime.proto import resource_pb2

from .recorder import Recorded, recorded


class Declared:
    """Listens from now on. `all` is known once all that was declared before the question is registered."""

    def __init__(self) -> None:
        self.resources: list[pulumi.Resource] = []
        self._requests: list[tuple[str, resource_pb2.RegisterResourceRequest]] = []
        context: Any = settings.SETTINGS
        context.monitor = _Listener(settings.get_monitor(), self._requests)
        pulumi.runtime.register_stack_transformation(self._note)

    def _note(self, args: pulumi.ResourceTransformationArgs) -> None:
        self.resources.append(args.resource)

    @property
    def all(self) -> pulumi.Output[Sequence[Recorded]]:
        registered = pulumi.Output.all(*(one.urn for one in self.resources))
        return registered.apply(lambda _: [recorded(urn, request) for urn, request in self._requests])


class _Listener:
    """The engine's monitor, with an ear on what is registered."""

    def __init__(self, monitor: Any, requests: list[tuple[str, resource_pb2.RegisterResourceRequest]]):
        self._monitor, self._requests = monitor, requests

    def __getattr__(self, name: str) -> Any:
        return getattr(self._monitor, name)

    def RegisterResource(self, request: resource_pb2.RegisterResourceRequest) -> Any:  # noqa: N802
        response = self._monitor.RegisterResource(request)
        self._requests.append((response.urn, request))
        return response
