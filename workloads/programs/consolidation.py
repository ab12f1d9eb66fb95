"""The body that every step `consolidate` shares: what training left in, one model in Hugging Face's form out."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from . import folders, hub, shards
from .entry import WORK, argument
from .finetune import RESULT
from .journal import Journal

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass
class Arguments:
    out: str = argument("folder of this step")
    train: str = argument("folder of the step that trained")
    data: str = argument("folder of the step that prepared the data, which holds the tokenizer")
    precision: Literal["bf16", "fp32"] = argument("type of the weights")


def consolidate(
    arguments: Arguments,
    out: Path,
    load: Callable[[Path, Path, Journal], "PreTrainedModel"],
    set_generation: Callable[[Any, Any], None],
) -> None:
    """Leaves `model/`: safetensors, the tokenizer of the data, and how to generate, which `set_generation` writes.

    `load` makes the model of the folder that training left; it may work in the second one, and tells how far it is.
    """
    journal = Journal(out)
    trained = folders.require_done(Path(arguments.train)) / RESULT
    data = folders.require_done(Path(arguments.data))
    model: Any = load(trained, out / WORK, journal)
    tokenizer = hub.load_tokenizer(str(data / folders.TOKENIZER))
    set_generation(model, tokenizer)
    model.save_pretrained(out / RESULT)
    tokenizer.save_pretrained(out / RESULT)
    journal.result(f"{model.num_parameters():,} parameters in safetensors")


def consolidate_whole(arguments: Arguments, out: Path, set_generation: Callable[[Any, Any], None]) -> None:
    """`consolidate` where every weight was trained. UserError where one is missing."""

    def load(trained: Path, work: Path, journal: Journal) -> "PreTrainedModel":
        whole = shards.gather(trained, work / "whole")
        journal.progress(1, 2, "parts: the weights are in one place")
        return shards.load_whole(whole, arguments.precision)

    consolidate(arguments, out, load, set_generation)
