"""Step `consolidate`: what training left (on Neuron in shards) as one model, checked, ready to load anywhere.

Leaves `model/`: safetensors, the tokenizer that training used, and the guide's sampling as its generation config. It
needs a processor and memory for the whole model, and no Neuron device. The shards stay where they are.
"""

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from .. import consolidation, entry
from ..entry import argument


@dataclass
class Arguments(consolidation.Arguments):
    temperature: float = argument("what logits are divided by before a token is drawn")
    top_k: int = argument("the most likely tokens to draw from")
    top_p: float = argument("draw from the likeliest tokens that together have this probability")


def consolidate(arguments: Arguments, out: Path) -> None:
    consolidation.consolidate_whole(arguments, out, partial(sample_by_default, arguments))


def sample_by_default(arguments: Arguments, model: Any, tokenizer: Any) -> None:
    """So that whoever loads the model need not know how the guide samples, nor where an answer ends."""
    model.config.use_cache = True
    config = model.generation_config
    config.eos_token_id, config.pad_token_id = tokenizer.eos_token_id, tokenizer.pad_token_id
    config.do_sample, config.temperature = True, arguments.temperature
    config.top_k, config.top_p = arguments.top_k, arguments.top_p


if __name__ == "__main__":
    sys.exit(entry.main(Arguments, consolidate))
