"""Step `consolidate`: what training left (on Neuron in shards) as one model, checked, ready to load anywhere.

Leaves `model/`: safetensors, the tokenizer that training used, and the guide's sampling as its generation config. It
needs a processor and memory for the whole model, and no Neuron device. The shards stay where they are.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from .. import entry, folders, hub, shards
from ..entry import WORK, argument
from ..finetune import RESULT
from ..journal import Journal


@dataclass
class Arguments:
    out: str = argument("folder of this step")
    train: str = argument("folder of the step that trained the model")
    data: str = argument("folder of the step that prepared the data, which holds the tokenizer")
    precision: Literal["bf16", "fp32"] = argument("type of the weights")
    temperature: float = argument("what logits are divided by before a token is drawn")
    top_k: int = argument("the most likely tokens to draw from")
    top_p: float = argument("draw from the likeliest tokens that together have this probability")


def consolidate(arguments: Arguments, out: Path) -> None:
    journal = Journal(out)
    trained = folders.require_done(Path(arguments.train)) / RESULT
    data = folders.require_done(Path(arguments.data))
    whole = shards.gather(trained, out / WORK / "whole")
    journal.progress(1, 2, "parts: the weights are in one place")
    model = shards.load_whole(whole, arguments.precision)
    tokenizer = hub.load_tokenizer(str(data / "tokenizer"))
    sample_by_default(model, tokenizer, arguments)
    model.save_pretrained(out / RESULT)
    tokenizer.save_pretrained(out / RESULT)
    journal.result(f"{model.num_parameters():,} parameters in safetensors, all of them there")


def sample_by_default(model: Any, tokenizer: Any, arguments: Arguments) -> None:
    """So that whoever loads the model need not know how the guide samples, nor where an answer ends."""
    model.config.use_cache = True
    config = model.generation_config
    config.eos_token_id, config.pad_token_id = tokenizer.eos_token_id, tokenizer.pad_token_id
    config.do_sample, config.temperature = True, arguments.temperature
    config.top_k, config.top_p = arguments.top_k, arguments.top_p


if __name__ == "__main__":
    sys.exit(entry.main(Arguments, consolidate))
