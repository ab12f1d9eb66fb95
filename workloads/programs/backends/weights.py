"""What both backends ask of a model's weights."""

import zlib
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


def draw(model: "nn.Module", deviation: float, seed: int, shard: int) -> None:
    """Gives every matrix of `model` normal random weights with `deviation`; norms keep their ones.

    The same for the same `seed`, whatever was drawn before. Of a matrix that tensor-parallel ranks share out, each
    `shard` gets numbers of its own: were they alike, the ranks would stay alike for ever, and the model be as wide as
    one of them. What every rank holds whole is the same in all.
    """
    import torch

    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() < 2:
                continue
            part = shard if getattr(weight, "tensor_model_parallel", False) else 0
            source = torch.Generator().manual_seed(zlib.crc32(f"{seed} {part} {name}".encode()))
            weight.normal_(0.0, deviation, generator=source)
