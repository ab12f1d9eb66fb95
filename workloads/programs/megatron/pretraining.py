"""The repository's pretraining script: the command line and the environment that it is started with. Pure functions.

The seed guide edits `test_llama.sh` with sed. That script fixes what a run must be able to say (resume, how often
checkpoints are saved, the learning rate), so what it and `llama_7b.sh` and `train_setup.sh` do is done here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..entry import argument
from ..folders import TOKENIZER
from . import repository
from .node import Place

Mode = Literal["bf16SR", "fp32_ZeroOptMaster", "fp32_ZeroOptMasterGradAcc", "megatron_amp_O2", "fp32_OptStates", "fp32"]

HIDDEN, FEED_FORWARD, LAYERS, HEADS = 4096, 11008, 32, 32
"""Llama 2 7B, as in llama_7b.sh."""
NORM_EPSILON = 1e-5
INITIAL_DEVIATION = 0.021

TOKENS = "corpus"
"""What the step `tokenize` calls its indexed data set; the script adds the field's name and `_document`."""
PREFIX = f"{TOKENS}_text_document"

CHECKPOINTS, BOARD, INDEX = "checkpoints", "tensorboard", "index"
FLUSH_SECONDS = 20
COMPILE_STEPS = 4
"""What train_setup.sh runs when it compiles: all graphs have been seen by then."""


@dataclass
class Arguments:
    out: str = argument("folder of this step")
    data: str = argument("folder of the step that made the indexed data set")
    tokenizer: str = argument("folder of the step that fetched the tokenizer")
    nodes: int = argument("nodes that train together")
    processes: int = argument("processes on each: one a NeuronCore")
    sequence_length: int = argument("tokens in a sequence")
    tensor_parallel_degree: int = argument("NeuronCores that share each layer")
    pipeline_parallel_degree: int = argument("groups of NeuronCores that share the layers among them")
    micro_batch: int = argument("sequences that a data-parallel rank reads at a time")
    global_batch: int = argument("sequences in an optimizer step, over all ranks")
    max_steps: int = argument("optimizer steps")
    warmup_steps: int = argument("steps until the learning rate is at its highest")
    learning_rate: float = argument("highest learning rate")
    min_learning_rate: float = argument("learning rate at the end of the cosine")
    weight_decay: float = argument("AdamW's, on all but norms")
    max_grad_norm: float = argument("length to which gradients are clipped")
    mode: Mode = argument("which numbers are kept in which precision")
    seed: int = argument("seed of weights and batches")
    resume_from: str = argument("folder of an earlier training to go on from; empty for none")
    checkpoint_every: int = argument("steps between checkpoints")
    keep_checkpoints: int = argument("checkpoints to keep")
    efa: bool = argument("whether the nodes have an Elastic Fabric Adapter")


@dataclass(frozen=True)
class Command:
    """What to start, and where. `environment` comes on top of the process's own."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    folder: str = repository.EXAMPLES


@dataclass(frozen=True)
class Precision:
    """One of train_setup.sh's ways to keep numbers: its environment, and the settings that go with it."""

    environment: Mapping[str, str]
    optimizer: str = "adamw"
    amp_o2: bool = False
    zero: bool = False
    zero_gradients: bool = False


_LLM = "--model-type transformer --distribution-strategy=llm-training"
_MIXED = {"NEURON_CC_FLAGS": f"{_LLM} --enable-mixed-precision-accumulation", "NEURON_RT_STOCHASTIC_ROUNDING_EN": "1"}
_DOWNCAST = {**_MIXED, "XLA_DOWNCAST_BF16": "1"}
MODES: Mapping[str, Precision] = {
    "bf16SR": Precision({**_MIXED, "XLA_USE_BF16": "1"}),
    "fp32_ZeroOptMaster": Precision(_DOWNCAST, zero=True),
    "fp32_ZeroOptMasterGradAcc": Precision(
        {**_DOWNCAST, "NEURON_RT_STOCHASTIC_ROUNDING_EN": "0"}, zero=True, zero_gradients=True
    ),
    "megatron_amp_O2": Precision(_DOWNCAST, amp_o2=True),
    "fp32_OptStates": Precision(_DOWNCAST, optimizer="adamw_fp32OptState"),
    "fp32": Precision({**_MIXED, "NEURON_CC_FLAGS": f"{_LLM} --auto-cast none", "XLA_USE_BF16": "0"}),
}
"""By the names that train_setup.sh has for them."""

_FABRIC = {"FI_PROVIDER": "efa", "FI_EFA_USE_DEVICE_RDMA": "1", "FI_EFA_FORK_SAFE": "1"}
_ENVIRONMENT = {
    "HYDRA_FULL_ERROR": "1",
    "CCOM_SOCKET_IFNAME": "eth0",
    "NEURON_RT_EXEC_TIMEOUT": "100",
    "BUCKET_CAP_MB": "1024",
    "NEURON_RT_ASYNC_EXEC_MAX_INFLIGHT_REQUESTS": "5",
    "NEURON_TRANSFER_WITH_STATIC_RING_OPS": "",
    "MALLOC_ARENA_MAX": "128",
    "TF_NUM_INTEROP_THREADS": "1024",
    "XLA_THREAD_POOL_SIZE": "4",
    "XLA_IO_THREAD_POOL_SIZE": "4",
    "NEURON_FUSE_SOFTMAX": "1",
}
"""What train_setup.sh exports on EKS. Where the compiler keeps its graphs is the launcher's to say."""


def training(arguments: Arguments, place: Place, checkpoint: str | None) -> Command:
    """The command of one node. `checkpoint` is where to go on from, without the folders of ranks; None is the start."""
    resumed = {} if checkpoint is None else {"+exp_manager.explicit_ckpt_path": _quoted(checkpoint)}
    settings = {**_model(arguments), **_numbers(arguments), **_kept(arguments), **resumed}
    return Command(_torchrun(arguments, place, settings), environment(arguments))


def compiling(arguments: Arguments, place: Place) -> Command:
    """The training command itself, for a few steps and without anything kept, under the compiler's wrapper."""
    few = {"trainer.max_steps": str(COMPILE_STEPS), "trainer.val_check_interval": str(COMPILE_STEPS)}
    settings = {**_model(arguments), **_numbers(arguments), **few, **_not_kept(arguments)}
    return Command(("neuron_parallel_compile", *_torchrun(arguments, place, settings)), environment(arguments))


def environment(arguments: Arguments) -> dict[str, str]:
    fabric = _FABRIC if arguments.efa else {}
    return {**_ENVIRONMENT, **fabric, **MODES[arguments.mode].environment}


def _torchrun(arguments: Arguments, place: Place, settings: Mapping[str, str]) -> tuple[str, ...]:
    size = ("--nproc_per_node", str(arguments.processes), "--nnodes", str(arguments.nodes))
    meeting = ("--node_rank", str(place.node), "--master_addr", place.first, "--master_port", str(place.port))
    script = (repository.PRETRAINING, "--config-path=conf", "--config-name=megatron_llama_config")
    return ("torchrun", *size, *meeting, *script, *(f"{name}={value}" for name, value in settings.items()))


def _model(arguments: Arguments) -> dict[str, str]:
    length = str(arguments.sequence_length)
    return {
        "model.hidden_size": str(HIDDEN),
        "model.ffn_hidden_size": str(FEED_FORWARD),
        "model.num_layers": str(LAYERS),
        "model.num_attention_heads": str(HEADS),
        "model.init_method_std": str(INITIAL_DEVIATION),
        "model.layernorm_epsilon": "1e-5",
        "model.hidden_dropout": "0",
        "model.max_position_embeddings": length,
        "model.encoder_seq_length": length,
        "model.data.seq_length": length,
        "model.data.num_workers": "1",
        "model.data.data_prefix": f"[1.0,{_quoted(str(Path(arguments.data) / PREFIX))}]",
        "model.data.index_mapping_dir": _quoted(str(Path(arguments.out) / INDEX)),
        "model.tokenizer.type": _quoted(str(Path(arguments.tokenizer) / TOKENIZER)),
        "model.tensor_model_parallel_size": str(arguments.tensor_parallel_degree),
        "model.pipeline_model_parallel_size": str(arguments.pipeline_parallel_degree),
        "model.sequence_parallel": "True",
        "model.activations_checkpoint_granularity": "full",
        "model.activations_checkpoint_method": "uniform",
        "model.activations_checkpoint_num_layers": "1",
        "model.use_cpu_initialization": "True",
        "+model.use_flash_attention": "False",
    }


def _numbers(arguments: Arguments) -> dict[str, str]:
    precision = MODES[arguments.mode]
    return {
        "trainer.devices": str(arguments.processes),
        "trainer.num_nodes": str(arguments.nodes),
        "trainer.max_epochs": "null",
        "trainer.max_steps": str(arguments.max_steps),
        "trainer.val_check_interval": str(arguments.max_steps),
        "trainer.limit_val_batches": "1",
        "trainer.limit_test_batches": "1",
        "trainer.log_every_n_steps": "1",
        "trainer.accumulate_grad_batches": "1",
        "trainer.precision": "32",
        "trainer.gradient_clip_val": str(arguments.max_grad_norm),
        "+trainer.enable_progress_bar": "False",
        "model.seed": str(arguments.seed),
        "model.micro_batch_size": str(arguments.micro_batch),
        "model.global_batch_size": str(arguments.global_batch),
        "model.megatron_amp_O2": str(precision.amp_o2),
        "model.wrap_with_zero": str(precision.zero),
        "model.zero_use_master_weight": str(precision.zero),
        "model.zero_use_fp32_grad_accum": str(precision.zero_gradients),
        "model.optim.name": precision.optimizer,
        "model.optim.lr": str(arguments.learning_rate),
        "model.optim.betas": "[0.9,0.95]",
        "model.optim.weight_decay": str(arguments.weight_decay),
        "model.optim.capturable": "True",
        "model.optim.sched.name": "CosineAnnealing",
        "model.optim.sched.warmup_steps": str(arguments.warmup_steps),
        "model.optim.sched.constant_steps": "0",
        "model.optim.sched.min_lr": str(arguments.min_learning_rate),
    }


def _kept(arguments: Arguments) -> dict[str, str]:
    """Checkpoints, and the lasting log. `save_last` stays off: the converter would take such a copy for more ranks."""
    out = Path(arguments.out)
    return {
        "+model.save_xser": "True",
        "+model.load_xser": "True",
        "exp_manager.explicit_log_dir": _quoted(str(out / BOARD)),
        "exp_manager.create_tensorboard_logger": "True",
        "+exp_manager.summary_writer_kwargs.flush_secs": str(FLUSH_SECONDS),
        "exp_manager.create_checkpoint_callback": "True",
        "exp_manager.resume_if_exists": "True",
        "exp_manager.resume_ignore_no_checkpoint": "True",
        "+exp_manager.checkpoint_callback_params.dirpath": _quoted(str(out / CHECKPOINTS)),
        "+exp_manager.checkpoint_callback_params.every_n_train_steps": str(arguments.checkpoint_every),
        "exp_manager.checkpoint_callback_params.save_top_k": str(arguments.keep_checkpoints),
        "exp_manager.checkpoint_callback_params.save_last": "False",
        "async_checkpointing": "False",
        "enable_checkpoint_removal_protection": "True",
    }


def _not_kept(arguments: Arguments) -> dict[str, str]:
    return {
        "+model.save_xser": "True",
        "+model.load_xser": "True",
        "exp_manager.explicit_log_dir": _quoted(str(Path(arguments.out) / BOARD)),
        "exp_manager.create_tensorboard_logger": "False",
        "exp_manager.create_checkpoint_callback": "False",
        "exp_manager.resume_if_exists": "False",
    }


def _quoted(text: str) -> str:
    """A value as Hydra reads it whole, whatever signs are in it."""
    return "'" + text.replace("'", "\\'") + "'"
