"""One thing that outlived its stack."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Leftover:
    """`dollars_a_day` is None where it is paid for by use, or no price is known: `text` says which."""

    kind: str
    id: str
    text: str
    dollars_a_day: float | None
    command: str
    """What removes it."""
    kept: bool = False
    """Whether it stays on purpose: then it is no leftover."""
