"""Where training happens: `cpu` (transformers, peft, torch) or `neuron` (optimum-neuron and neuronx-distributed).

A program picks one once, by name. A backend knows devices, models, optimizer, reduction and shards; steps, data and
checkpoints are the loop's. Keep the seam narrow: native PyTorch on Neuron will look like `cpu`, not like `neuron`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch
    from torch import nn
    from torch.optim import Optimizer

Precision = Literal["bf16", "fp32"]


@dataclass(frozen=True, slots=True)
class Lora:
    """Low-rank adapters: scale is alpha / sqrt(rank) with `rank_stabilized`, else alpha / rank."""

    rank: int
    alpha: int
    dropout: float
    rank_stabilized: bool
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """What to load and how: `lora` None trains every weight."""

    name: str
    revision: str
    precision: Precision
    lora: Lora | None
    gradient_checkpointing: bool
    selective: bool = False
    """Of the activations compute anew only what is large and cheap, rather than whole layers."""
    drawn: int | None = None
    """Seed of random weights, for a model that `name` has only the config of; None loads its weights."""


@dataclass(frozen=True, slots=True)
class OptimizerSpec:
    """AdamW with betas 0.9 and 0.999, as the Hugging Face trainer's default."""

    weight_decay: float
    max_grad_norm: float


class Backend(Protocol):
    """One data-parallel rank's view of the machines it trains on."""

    is_first: bool
    data_rank: int
    data_ranks: int

    def barrier(self, name: str) -> None:
        """Returns when every process has come here."""
        ...

    def load(self, model: ModelSpec, optimizer: OptimizerSpec) -> "tuple[nn.Module, Optimizer]":
        """The model on its device, in training mode, and the optimizer of its trainable weights."""
        ...

    def seed(self, seed: int) -> None:
        """Sets the device's random state (dropout), so that it need not be saved."""
        ...

    def loss(self, model: "nn.Module", rows: npt.NDArray[np.int32], tokens: int) -> "torch.Tensor":
        """Cross-entropy summed over the blocks `rows` [micro_batch, block_size], divided by `tokens`."""
        ...

    def backward(self, loss: "torch.Tensor") -> None: ...

    def step(self, optimizer: "Optimizer", learning_rate: float) -> "torch.Tensor":
        """Averages the gradients over data-parallel ranks, clips, steps and zeroes → the norm before clipping."""
        ...

    def means(self, values: "Sequence[torch.Tensor]") -> list[float]:
        """Each value's mean over the data-parallel ranks, on the host. This waits for the device."""
        ...

    def save(self, folder: Path, model: "nn.Module", optimizer: "Optimizer") -> None:
        """Writes this process's part of a checkpoint: trainable weights and the optimizer's state."""
        ...

    def restore(self, folder: Path, model: "nn.Module", optimizer: "Optimizer") -> None: ...

    def export(self, folder: Path, model: "nn.Module") -> None:
        """Writes what training made, as the consolidate step takes it: an adapter, or the whole model."""
        ...


def choose(name: Literal["cpu", "neuron"], tensor_parallel_degree: int) -> Backend:
    """The backend called `name`, with its processes joined and its device found."""
    if name == "neuron":
        from . import groups

        groups.cut(tensor_parallel_degree)
        from .neuron import NeuronBackend

        return NeuronBackend(tensor_parallel_degree)
    from .cpu import CpuBackend

    return CpuBackend()
