"""Step `consolidate`: what training left (on Neuron in shards) as one model in Hugging Face's form, to load anywhere.

Leaves `model/`: safetensors, the tokenizer that the data was made with, and a generation config that ends with a text.
It needs a processor and memory for the whole model, and no Neuron device.
"""

import sys
from pathlib import Path
from typing import Any

from .. import entry
from ..consolidation import Arguments, consolidate_whole


def consolidate(arguments: Arguments, out: Path) -> None:
    consolidate_whole(arguments, out, end_with_the_text)


def end_with_the_text(model: Any, tokenizer: Any) -> None:
    """The tokenizer's own ends in both configs: those of the config that training began with were a guess."""
    for config in (model.config, model.generation_config):
        config.eos_token_id, config.bos_token_id = tokenizer.eos_token_id, tokenizer.bos_token_id
    model.config.use_cache = True
    model.generation_config.pad_token_id = tokenizer.pad_token_id


if __name__ == "__main__":
    sys.exit(entry.main(Arguments, consolidate))
