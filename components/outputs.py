"""Values that are known only once something else exists: a dependency in the value needs no `depends_on`."""

from typing import Any, TypeVar

import pulumi

T = TypeVar("T")


def once(value: pulumi.Input[T], *others: pulumi.Input[Any]) -> pulumi.Output[T]:
    """`value`, not before `others` are known; who uses it waits for what they came from, and is destroyed before it."""
    return pulumi.Output.all(value, *others).apply(lambda known: known[0])
