"""Random weights: the same wherever they are drawn, and other ones for each shard of a matrix."""

from typing import Any

import torch
from torch import nn

from workloads.programs.backends.weights import draw, parameter_groups


def drawn(shard: int, seed: int = 1) -> Any:
    model: Any = nn.Sequential(nn.Linear(64, 64, bias=False), nn.LayerNorm(64), nn.Linear(64, 64, bias=False))
    model[0].weight.tensor_model_parallel = True  # as neuronx-distributed marks what ranks share out
    draw(model, 0.02, seed, shard)
    return model


def test_drawing_does_not_depend_on_what_was_drawn_before() -> None:
    first = drawn(0)
    torch.rand(7)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), drawn(0).parameters(), strict=True))
    assert not torch.equal(first[0].weight, drawn(0, seed=2)[0].weight)


def test_shards_differ_and_what_every_rank_holds_whole_does_not() -> None:
    one, other = drawn(0), drawn(1)
    assert not torch.equal(one[0].weight, other[0].weight)
    assert torch.equal(one[2].weight, other[2].weight)


def test_matrices_get_the_deviation_and_norms_keep_their_ones() -> None:
    model = drawn(0)
    assert 0.018 < model[0].weight.std() < 0.022
    assert torch.equal(model[1].weight, torch.ones(64))


def test_norms_do_not_decay() -> None:
    groups = {group["weight_decay"]: group["params"] for group in parameter_groups(drawn(0), 0.01)}
    assert {weight.dim() for weight in groups[0.01]} == {2}
    assert {weight.dim() for weight in groups[0.0]} == {1}
