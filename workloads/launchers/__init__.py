"""Launchers: pure functions from a step to what starts it. They run nothing themselves.

`LAUNCHERS` has those for clusters, by the name under which a step asks for one.
"""

from collections.abc import Callable, Mapping

from ..recipes.step import Step
from . import job, mpi, ray
from .pods import Launched, Manifest, Site

LAUNCHERS: Mapping[str, Callable[[Launched, Site], list[Manifest]]] = {
    "job": job.job,
    "mpi": mpi.mpi,
    "ray": ray.ray,
}

PROGRAMS: Mapping[str, Callable[[Step], tuple[str, ...]]] = {
    "job": job.programs,
    "mpi": mpi.programs,
    "ray": ray.programs,
}
"""The programs whose sources a step's pods need, by its launcher."""

__all__ = ["LAUNCHERS", "PROGRAMS", "Launched", "Manifest", "Site"]
