"""Training on Trainium: optimum-neuron's parallel models and adapters, neuronx-distributed's optimizer and shards.

Written against optimum-neuron 0.4.5 and neuronx-distributed 0.15. All of the project's code that knows XLA is here. On
XLA every operation is recorded, and runs when a graph is cut by `mark_step`: one graph a micro-batch, one an optimizer
step, so that the compiler sees the same few graphs again and again.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import neuronx_distributed.trainer as nxd  # pyright: ignore[reportMissingImports]
import numpy as np
import numpy.typing as npt
import torch
import torch_xla.core.xla_model as xm  # pyright: ignore[reportMissingImports]
import torch_xla.runtime as xr  # pyright: ignore[reportMissingImports]
from neuronx_distributed.parallel_layers import parallel_state  # pyright: ignore[reportMissingImports]
from optimum.neuron.accelerate import NeuronAccelerator  # pyright: ignore[reportMissingImports]
from optimum.neuron.accelerate.utils.dataclasses import MixedPrecisionConfig  # pyright: ignore[reportMissingImports]
from optimum.neuron.models.training import NeuronModelForCausalLM  # pyright: ignore[reportMissingImports]
from optimum.neuron.models.training.config import TrainingNeuronConfig  # pyright: ignore[reportMissingImports]
from optimum.neuron.models.training.transformations_utils import (  # pyright: ignore[reportMissingImports]
    specialize_transformation_specs_for_model,
)
from optimum.neuron.peft import get_peft_model  # pyright: ignore[reportMissingImports]
from torch import nn
from torch.optim import AdamW, Optimizer
from transformers import AutoConfig

from .. import hub, lora
from ..packing import inputs_and_labels
from . import ModelSpec, OptimizerSpec, Precision
from .weights import draw, parameter_groups, trainable

TAG = "state"
"""Name under which neuronx-distributed keeps a checkpoint within the folder that it is given."""


class NeuronBackend:
    def __init__(self, tensor_parallel_degree: int):
        self._config = TrainingNeuronConfig(
            tensor_parallel_size=tensor_parallel_degree, sequence_parallel_enabled=True, use_xser=True
        )
        self._device = xm.xla_device()
        self.is_first = xr.global_ordinal() == 0
        self.data_rank = parallel_state.get_data_parallel_rank()
        self.data_ranks = parallel_state.get_data_parallel_size()

    def barrier(self, name: str) -> None:
        xm.rendezvous(name)

    def load(self, model: ModelSpec, optimizer: OptimizerSpec) -> tuple[nn.Module, Optimizer]:
        self._config.gradient_checkpointing = model.gradient_checkpointing
        accelerator = NeuronAccelerator(
            trn_config=self._config, zero_1=True, mixed_precision_config=_mixed_precision(model.precision)
        )
        network = accelerator.prepare_model(self._network(model))
        network.train()
        prepared = accelerator.prepare_optimizer(AdamW(parameter_groups(network, optimizer.weight_decay)))
        prepared.set_permanent_clip_grad_norm(optimizer.max_grad_norm)
        return network, prepared

    def _network(self, model: ModelSpec) -> Any:
        network = self._loaded(model) if model.drawn is None else self._drawn(model, model.drawn)
        if model.gradient_checkpointing and model.selective:
            # a flash attention computes its scores anew by itself, and the feed-forward layers look at _config: with
            # that, the activations which selective checkpointing is about are gone, and no layer is computed twice
            network.gradient_checkpointing_disable()
        elif model.gradient_checkpointing:
            network.gradient_checkpointing_enable()
            network.enable_input_require_grads()
        if model.lora is None:
            return network
        torch.manual_seed(0)  # the adapter's first weights are random: the same in every process
        return get_peft_model(network, lora.peft_config(model.lora))

    def _loaded(self, model: ModelSpec) -> Any:
        return hub.load(
            model.name,
            NeuronModelForCausalLM.from_pretrained,
            trn_config=self._config,
            revision=model.revision,
            dtype=hub.dtype(model.precision),
            attn_implementation=self._attention(),
        )

    def _drawn(self, model: ModelSpec, seed: int) -> Any:
        config = AutoConfig.from_pretrained(
            model.name, dtype=hub.dtype(model.precision), attn_implementation=self._attention()
        )
        network = NeuronModelForCausalLM.from_config(config, self._config).to(config.dtype)
        specialize_transformation_specs_for_model(network)  # from_pretrained does; without it no shards can be saved
        draw(network, config.initializer_range, seed, parallel_state.get_tensor_model_parallel_rank())
        return network

    def _attention(self) -> str:
        return "flash_attention_2" if xm.xla_device_hw(self._device) == "NEURON" else "eager"

    def seed(self, seed: int) -> None:
        xm.set_rng_state(seed, device=self._device)

    def loss(self, model: nn.Module, rows: npt.NDArray[np.int32], tokens: int) -> torch.Tensor:
        xm.mark_step()
        inputs, labels = (torch.from_numpy(part).to(self._device) for part in inputs_and_labels(rows))
        return model(input_ids=inputs, labels=labels, reduction="sum").loss / tokens

    def backward(self, loss: torch.Tensor) -> None:
        loss.backward()

    def step(self, optimizer: Any, learning_rate: float) -> torch.Tensor:
        xm.mark_step()
        for group in optimizer.param_groups:
            group["lr"] = learning_rate
        optimizer.step()
        norm = optimizer.grad_norm
        optimizer.zero_grad()
        xm.mark_step()
        return norm

    def means(self, values: Sequence[torch.Tensor]) -> list[float]:
        stacked = torch.stack([value.detach().float().reshape(()) for value in values]) / self.data_ranks
        if self.data_ranks > 1:
            groups = parallel_state.get_data_parallel_replica_groups()
            stacked = xm.all_reduce(xm.REDUCE_SUM, stacked, groups=groups)
        xm.mark_step()
        found = stacked.cpu().tolist()
        return [0.0] * len(found) if only_graphs() else found

    def save(self, folder: Path, model: nn.Module, optimizer: Any) -> None:
        if only_graphs():
            return
        weights = {name: weight.detach() for name, weight in trainable(model)}
        nxd.save_checkpoint(str(folder), TAG, model=weights, optimizer=optimizer.optimizer, use_xser=True)

    def restore(self, folder: Path, model: nn.Module, optimizer: Any) -> None:
        weights: dict[str, torch.Tensor] = {}
        nxd.load_checkpoint(str(folder), TAG, model=weights)
        own = dict(trainable(model))
        with torch.no_grad():
            for name, weight in weights.items():
                own[name].copy_(weight)
        xm.mark_step()
        # only now: ZeRO-1 cuts its shards anew from the weights that it finds when its state is loaded
        nxd.load_checkpoint(str(folder), TAG, optimizer=optimizer.optimizer)

    def export(self, folder: Path, model: Any) -> None:
        if only_graphs():
            return
        if self.is_first:
            folder.mkdir(exist_ok=True)
        self.barrier("export begun")
        options = {} if self.is_first else {"is_main_process": False}
        model.save_pretrained(str(folder), **options)


def only_graphs() -> bool:
    """Whether the runtime just takes graphs down to compile them (neuron_parallel_compile), and computes nothing: no
    number means anything then, and nothing is worth keeping."""
    return os.environ.get("NEURON_EXTRACT_GRAPHS_ONLY") == "1"


def _mixed_precision(precision: Precision) -> MixedPrecisionConfig:
    """optimum-neuron's own defaults for bf16 with ZeRO-1. Master weights are saved too, or resuming would round them.

    For fp32 its config turns master weights off, and ZeRO-1 then keeps its shards in bf16; they are turned on again.
    """
    if precision == "fp32":
        config = MixedPrecisionConfig("NO")
        config.optimizer_use_master_weights = config.optimizer_save_master_weights_in_ckpt = True
        return config
    return MixedPrecisionConfig(
        "FULL_BF16",
        stochastic_rounding=True,
        optimizer_use_master_weights=True,
        optimizer_use_fp32_grad_acc=True,
        optimizer_save_master_weights_in_ckpt=True,
    )
