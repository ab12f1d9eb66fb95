"""Training on this machine's processor: one process, or several joined by gloo (`torchrun`)."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.distributed as dist
from torch import nn
from torch.optim import AdamW, Optimizer

from .. import hub, lora
from ..packing import IGNORED_LABEL, inputs_and_labels
from . import ModelSpec, OptimizerSpec
from .weights import draw, parameter_groups, trainable


class CpuBackend:
    def __init__(self) -> None:
        self.data_ranks = int(os.environ.get("WORLD_SIZE", "1"))
        self.data_rank = int(os.environ.get("RANK", "0"))
        self.is_first = self.data_rank == 0
        self._max_grad_norm = float("inf")
        if self.data_ranks > 1 and not dist.is_initialized():
            dist.init_process_group("gloo")

    def barrier(self, name: str) -> None:
        if self.data_ranks > 1:
            dist.barrier()

    def load(self, model: ModelSpec, optimizer: OptimizerSpec) -> tuple[nn.Module, Optimizer]:
        network: Any = _network(model)
        network.config.use_cache = False
        if model.gradient_checkpointing and not model.selective:  # its attention keeps no scores to begin with
            network.gradient_checkpointing_enable()
            network.enable_input_require_grads()
        if model.lora:
            from peft import get_peft_model

            torch.manual_seed(0)  # the adapter's first weights are random: the same in every process
            network = get_peft_model(network, lora.peft_config(model.lora))
        self._max_grad_norm = optimizer.max_grad_norm
        network.train()
        return network, AdamW(parameter_groups(network, optimizer.weight_decay))

    def seed(self, seed: int) -> None:
        torch.manual_seed(seed)

    def loss(self, model: nn.Module, rows: npt.NDArray[np.int32], tokens: int) -> torch.Tensor:
        inputs, labels = (torch.from_numpy(part) for part in inputs_and_labels(rows))
        logits = model(input_ids=inputs).logits[:, :-1].float()
        total = nn.functional.cross_entropy(
            logits.flatten(0, 1), labels[:, 1:].flatten(), ignore_index=IGNORED_LABEL, reduction="sum"
        )
        return total / tokens

    def backward(self, loss: torch.Tensor) -> None:
        loss.backward()

    def step(self, optimizer: Optimizer, learning_rate: float) -> torch.Tensor:
        weights = [weight for group in optimizer.param_groups for weight in group["params"]]
        if self.data_ranks > 1:
            for weight in weights:
                dist.all_reduce(weight.grad)
                weight.grad /= self.data_ranks
        norm = nn.utils.clip_grad_norm_(weights, self._max_grad_norm)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate
        optimizer.step()
        optimizer.zero_grad()
        return norm

    def means(self, values: Sequence[torch.Tensor]) -> list[float]:
        stacked = torch.stack([value.detach().double() for value in values])
        if self.data_ranks > 1:
            dist.all_reduce(stacked)
            stacked /= self.data_ranks
        return stacked.tolist()

    def save(self, folder: Path, model: nn.Module, optimizer: Optimizer) -> None:
        if self.is_first:
            weights = {name: weight.detach() for name, weight in trainable(model)}
            torch.save({"weights": weights, "optimizer": optimizer.state_dict()}, folder / "state.pt")

    def restore(self, folder: Path, model: nn.Module, optimizer: Optimizer) -> None:
        state = torch.load(folder / "state.pt", weights_only=True)
        own = dict(trainable(model))
        with torch.no_grad():
            for name, weight in state["weights"].items():
                own[name].copy_(weight)
        optimizer.load_state_dict(state["optimizer"])

    def export(self, folder: Path, model: Any) -> None:
        if self.is_first:
            model.save_pretrained(folder)


def _network(model: ModelSpec) -> Any:
    if model.drawn is None:
        return hub.load_model(model.name, model.revision, model.precision)
    network = hub.make_model(model.name, model.precision)
    draw(network, network.config.initializer_range, model.drawn, shard=0)
    return network
