"""Step `consolidate`: what training left (on Neuron in shards) as one model in Hugging Face's form, to load anywhere.

Leaves `model/`: safetensors, the tokenizer that the data was made with, and a generation config that ends with a text.
It needs a processor and memory for the whole model, and no Neuron device.
"""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from .. import entry, folders, hub
from ..entry import WORK, argument
from ..errors import UserError
from ..finetune import RESULT
from ..journal import Journal

CONFIG = "config.json"
SHARDS = "shards"
"""Folder in which optimum-neuron 0.4.5 saves a whole model, in shards."""


@dataclass
class Arguments:
    out: str = argument("folder of this step")
    train: str = argument("folder of the step that trained the model")
    data: str = argument("folder of the step that prepared the data, which holds the tokenizer")
    precision: Literal["bf16", "fp32"] = argument("type of the weights")


def consolidate(arguments: Arguments, out: Path) -> None:
    journal = Journal(out)
    trained = folders.require_done(Path(arguments.train)) / RESULT
    data = folders.require_done(Path(arguments.data))
    model: Any = hub.load_model(str(gather(trained, out / WORK)), "main", arguments.precision)
    journal.progress(1, 2, "parts: the shards are joined")
    tokenizer = hub.load_tokenizer(str(data / "tokenizer"))
    end_with_the_text(model, tokenizer)
    model.save_pretrained(out / RESULT)
    tokenizer.save_pretrained(out / RESULT)
    journal.result(f"{model.num_parameters():,} parameters in safetensors")


def gather(trained: Path, work: Path) -> Path:
    """The folder of a whole model: `trained` itself where it holds one, else its shards joined in `work`."""
    if any(trained.glob("*.safetensors")):
        return trained
    if not (trained / SHARDS).is_dir():
        raise UserError(f"{trained} holds neither a model (*.safetensors) nor its shards ({SHARDS}/).")
    from optimum.neuron.models.training.checkpointing import (  # pyright: ignore[reportMissingImports]
        consolidate_model_parallel_checkpoints_to_unified_checkpoint,
    )

    consolidate_model_parallel_checkpoints_to_unified_checkpoint(trained, work, save_format="safetensors")
    shutil.copyfile(trained / CONFIG, work / CONFIG)
    return work


def end_with_the_text(model: Any, tokenizer: Any) -> None:
    """The tokenizer's own ends in both configs: those of the config that training began with were a guess."""
    for config in (model.config, model.generation_config):
        config.eos_token_id, config.bos_token_id = tokenizer.eos_token_id, tokenizer.bos_token_id
    model.config.use_cache = True
    model.generation_config.pad_token_id = tokenizer.pad_token_id


if __name__ == "__main__":
    sys.exit(entry.main(Arguments, consolidate))
