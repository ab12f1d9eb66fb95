"""How long a step is expected to take, and how long it may: one sum for all recipes, from what decides it.

Minutes of training = tokens / (tokens a second of one trn1.32xlarge × nodes, each counted by its peak).
"""

from ..hardware import trainium
from .recipe import Fleet

REFERENCE = trainium("trn1.32xlarge")
"""The node that speeds are told of. Others are as much faster as their peak is higher."""

SHARE_OF_PEAK = 0.205
"""What training keeps of it, where nothing was measured nearer. AWS Neuron's benchmark of Trn1 (2025-05-20): Llama 3.1
8B by NeuronX Distributed on 32 nodes reads 41.99 blocks of 8192 a second, which are 10,750 tokens a second and node, of
5.8e10 operations each."""

ROOM = 3
"""How many times its estimate a step may take: its limit ends a run that is paid for."""

LONGEST_HOURS = (2**31 - 1) / 3600
"""68 years: Kubernetes takes no more than 2,147,483,647 seconds as a pod's deadline."""


def speed(operations: float) -> float:
    """Tokens a second that one `REFERENCE` trains with, at `operations` a token."""
    return SHARE_OF_PEAK * REFERENCE.peak_tflops * 1e12 / operations


def training_minutes(tokens: float, tokens_a_second: float, fleet: Fleet | None) -> float:
    """Minutes in which `fleet` trains on `tokens`, at `tokens_a_second` of one `REFERENCE`. 0 on this machine, whose
    speed nobody knows."""
    if fleet is None:
        return 0.0
    nodes = fleet.nodes * fleet.instance.peak_tflops / REFERENCE.peak_tflops
    return tokens / tokens_a_second / nodes / 60


def global_batch(micro_batch: int, accumulation: int, degree: int, fleet: Fleet | None) -> int:
    """Blocks a step reads: micro_batch × data-parallel ranks × accumulation. At least 1, since estimates are made of
    parameters that do not fit as well."""
    ranks = fleet.ranks(degree) if fleet else 1
    return max(1, micro_batch * ranks * accumulation)


def limit_hours(minutes: float, least: float) -> float:
    """After how many hours a step is stopped that is expected to take `minutes`: `least`, or `ROOM` times as long."""
    return min(max(least, round(ROOM * minutes / 60)), LONGEST_HOURS)
