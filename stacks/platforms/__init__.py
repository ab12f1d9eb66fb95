"""Platforms: where a run can be carried out. Each keeps one small promise; adding another touches nothing else."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from components.guard.destroy import DestroyGuardArgs

from ..run import Run
from ..settings import PlatformName, Settings


class Platform(Protocol):
    """What the program needs of a platform."""

    guard: DestroyGuardArgs | None
    """What to ask before a destroy begins, known when `carry_out` has been called; None where nothing would be lost."""

    def missing(self) -> list[str]:
        """What must be mended before an update can start, a sentence each; a preview only warns of it."""
        ...

    def carry_out(self, run: Run) -> Mapping[str, Any]:
        """Declares the resources that carry out `run`; returns the stack's outputs: what a person needs next."""
        ...


def _eks(settings: Settings) -> Platform:
    from .eks import EksPlatform

    return EksPlatform(settings)


def _existing(settings: Settings) -> Platform:
    from .existing import ExistingPlatform

    return ExistingPlatform(settings)


def _local(settings: Settings) -> Platform:
    from .local import LocalPlatform

    return LocalPlatform(settings)


PLATFORMS: dict[PlatformName, Callable[[Settings], Platform]] = {"eks": _eks, "existing": _existing, "local": _local}
"""The platforms there are. Each is loaded when it is chosen: the SDKs of AWS and Kubernetes take seconds."""
