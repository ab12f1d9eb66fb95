"""Time that the garbage collector would take from a command that imports and records much, and ends soon."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_garbage() -> Iterator[None]:
    """What is imported and recorded stays: looking for garbage in it, again and again and once more at the end, would
    take half of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
