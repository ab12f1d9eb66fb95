"""Many questions at once."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

AT_ONCE = 16

T = TypeVar("T")


def together(questions: Sequence[Callable[[], T]]) -> list[T]:
    """The answers, in the order of the questions."""
    with ThreadPoolExecutor(AT_ONCE, "question") as pool:
        return [one.result() for one in [pool.submit(question) for question in questions]]
