"""What each of the processes does that pretrain a model together, and what they are told."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from .. import blocks, folders
from ..backends import ModelSpec
from ..entry import argument
from ..errors import UserError
from ..finetune import TrainingArguments, train_model

CONFIG = "config.json"


@dataclass
class Arguments(TrainingArguments):
    hidden_size: int = argument("width of the model")
    layers: int = argument("decoder layers")
    heads: int = argument("attention heads")
    key_value_heads: int = argument("heads that keys and values have")
    feed_forward: int = argument("width of the feed-forward layers")
    vocabulary: int = argument("rows of the embedding: no fewer than the tokenizer has tokens")
    rms_norm_eps: float = argument("what the norms add to a variance")
    workers: int = argument("processes that train: all NeuronCores of all nodes")
    activation_checkpointing: Literal["none", "selective", "full"] = argument("which activations to compute twice")
    max_failures: int = argument("rounds of workers that may fail before training gives up")
    peak_tflops: int = argument("teraflops that all devices together can do; 0 where that is not known")


def config(arguments: Arguments, positions: int) -> dict[str, Any]:
    """The model as transformers describes it. End and beginning of a text are Llama's own token ids, 1 and 2."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": arguments.hidden_size,
        "intermediate_size": arguments.feed_forward,
        "num_hidden_layers": arguments.layers,
        "num_attention_heads": arguments.heads,
        "num_key_value_heads": arguments.key_value_heads,
        "vocab_size": arguments.vocabulary,
        "max_position_embeddings": positions,
        "rms_norm_eps": arguments.rms_norm_eps,
        "initializer_range": 0.02,
        "hidden_act": "silu",
        "tie_word_embeddings": False,
        "bos_token_id": 1,
        "eos_token_id": 2,
    }


def write_config(arguments: Arguments, folder: Path) -> None:
    """Leaves the model's config in `folder` for all workers; UserError where the data does not fit it."""
    data = folders.require_done(Path(arguments.data))
    tokens = json.loads((data / "data.json").read_text())["vocabulary"]
    if tokens > arguments.vocabulary:
        raise UserError(
            f"The tokenizer has {tokens:,} tokens, and the model's vocabulary has room for {arguments.vocabulary:,}. "
            "Raise parameters.vocabulary to a multiple of tensor_parallel_degree that holds them."
        )
    positions = blocks.read(data / "train.npy").shape[1]
    folder.mkdir(parents=True, exist_ok=True)
    folders.write_atomically(folder / CONFIG, json.dumps(config(arguments, positions), indent=1))


def work(arguments: Arguments, model: Path, out: Path) -> None:
    """Trains a model of the config in `model`, from random weights, as one of the workers."""
    train_model(arguments, from_random_weights(arguments, model), out)


def from_random_weights(arguments: Arguments, model: Path) -> ModelSpec:
    return ModelSpec(
        name=str(model),
        revision="main",
        precision=arguments.precision,
        lora=None,
        gradient_checkpointing=arguments.activation_checkpointing != "none",
        selective=arguments.activation_checkpointing == "selective",
        drawn=arguments.seed,
    )


def shortened(arguments: Arguments, steps: int) -> Arguments:
    """The same training for so many steps, looked at, evaluated and saved once, at their end."""
    once = dict.fromkeys(("max_steps", "log_every", "eval_every", "checkpoint_every"), steps)
    return dataclasses.replace(arguments, **once, warmup_steps=min(arguments.warmup_steps, steps - 1))
