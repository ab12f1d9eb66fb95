"""What training left in shards on Trainium, made whole again: on a processor, with memory for all of it."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from . import hub
from .errors import UserError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

SHARDS = "shards"
"""Folder in which optimum-neuron 0.4.5 saves the weights of a model, a part a tensor-parallel rank."""

CONFIGS = ("config.json", "generation_config.json")


def join(trained: Path, work: Path) -> None:
    """Writes the shards below `trained` into `work` as safetensors."""
    from optimum.neuron.models.training.checkpointing import (  # pyright: ignore[reportMissingImports]
        consolidate_model_parallel_checkpoints_to_unified_checkpoint,
    )

    consolidate_model_parallel_checkpoints_to_unified_checkpoint(trained, work, save_format="safetensors")


def gather(trained: Path, work: Path) -> Path:
    """The folder of a whole model in Hugging Face's form: `trained` itself, else its shards joined in `work`."""
    if any(trained.glob("*.safetensors")):
        return trained
    if not (trained / SHARDS).is_dir():
        raise UserError(f"{trained} holds neither a model (*.safetensors) nor its shards ({SHARDS}/).")
    work.mkdir(parents=True, exist_ok=True)
    join(trained, work)
    for name in CONFIGS:
        if (trained / name).is_file():
            shutil.copyfile(trained / name, work / name)
    return work


def load_whole(folder: Path, precision: Literal["bf16", "fp32"]) -> "PreTrainedModel":
    """The model in `folder`; UserError where a weight is missing or has no place, rather than random ones for it."""
    from transformers import AutoModelForCausalLM

    loaded: Any = hub.load(
        str(folder),
        AutoModelForCausalLM.from_pretrained,
        dtype=hub.dtype(precision),
        output_loading_info=True,
    )
    model, told = loaded
    wrong = {kind: sorted(map(str, told[kind])) for kind in ("missing_keys", "unexpected_keys", "mismatched_keys")}
    if any(wrong.values()):
        named = "; ".join(f"{kind.replace('_', ' ')}: {', '.join(names[:3])}" for kind, names in wrong.items() if names)
        raise UserError(f"{folder} is not a whole model ({named}). Run the step train again.")
    return model
