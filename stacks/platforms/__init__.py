"""Platforms: where a run can be carried out. Each keeps one small promise; adding another touches nothing else."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from ..run import Run
from ..settings import PlatformName, Settings
from .eks import EksPlatform
from .existing import ExistingPlatform
from .local import LocalPlatform


class Platform(Protocol):
    """What the program needs of a platform."""

    def missing(self) -> list[str]:
        """What must be mended before an update can start, a sentence each; a preview only warns of it."""
        ...

    def carry_out(self, run: Run) -> Mapping[str, Any]:
        """Declares the resources that carry out `run`; returns the stack's outputs: what a person needs next."""
        ...


PLATFORMS: dict[PlatformName, Callable[[Settings], Platform]] = {
    "eks": EksPlatform,
    "existing": ExistingPlatform,
    "local": LocalPlatform,
}
"""The platforms that this version can stand up."""
