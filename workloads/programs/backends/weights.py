"""What both backends ask of a model's weights."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn


def trainable(model: "nn.Module") -> "Iterator[tuple[str, nn.Parameter]]":
    return ((name, weight) for name, weight in model.named_parameters() if weight.requires_grad)


def parameter_groups(model: "nn.Module", weight_decay: float) -> list[dict[str, Any]]:
    """Trainable weights in two groups: matrices decay, norms and biases (one dimension) do not."""
    groups = {True: [], False: []}
    for _, weight in trainable(model):
        groups[weight.dim() >= 2].append(weight)
    decays = {True: weight_decay, False: 0.0}
    return [{"params": weights, "weight_decay": decays[matrix]} for matrix, weights in groups.items() if weights]
