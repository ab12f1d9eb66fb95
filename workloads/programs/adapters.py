"""From what training left to one model: gather an adapter's shards, merge it into its base."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from . import hub, shards
from .errors import UserError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"
NEURON_ADAPTER = "adapter_default"
"""Folder in which optimum-neuron 0.4.5 saves the adapter called `default`, in shards."""


def gather(trained: Path, work: Path) -> Path:
    """The folder of a whole PEFT adapter: `trained` itself where it holds one, else its shards joined in `work`."""
    if (trained / WEIGHTS).is_file():
        return trained
    sharded = trained / NEURON_ADAPTER
    if not sharded.is_dir():
        raise UserError(f"{trained} holds neither an adapter ({WEIGHTS}) nor its shards ({NEURON_ADAPTER}/).")
    shards.join(trained, work)
    shutil.copyfile(sharded / CONFIG, work / CONFIG)
    return work


def merge(model: str, revision: str, precision: Literal["bf16", "fp32"], adapter: Path) -> "PreTrainedModel":
    """The base `model` with the adapter's weights added to its own, as a plain transformers model on the processor."""
    from peft import PeftModel

    adapted: Any = PeftModel.from_pretrained(hub.load_model(model, revision, precision), str(adapter))
    merged = adapted.merge_and_unload(safe_merge=True)
    merged.config.use_cache = True
    return merged
