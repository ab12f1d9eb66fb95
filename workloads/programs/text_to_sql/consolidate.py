"""Step `consolidate`: the adapter (on Neuron in shards) merged into its base model, ready to load anywhere.

Leaves `model/`: safetensors, the tokenizer that training used, and a generation config that stops where the chat
template ends an answer. It needs a processor and memory for the whole model, and no Neuron device.
"""

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from .. import adapters, consolidation, entry
from ..entry import argument
from ..journal import Journal

END_OF_TURN = "<|eot_id|>"
"""Llama 3's token that closes a message; its base model's own generation config does not stop there."""


@dataclass
class Arguments(consolidation.Arguments):
    model: str = argument("base model: its name on the Hub, or a folder")
    model_revision: str = argument("branch, tag or commit of the model on the Hub")


def consolidate(arguments: Arguments, out: Path) -> None:
    consolidation.consolidate(arguments, out, partial(merge, arguments), stop_at_end_of_turn)


def merge(arguments: Arguments, trained: Path, work: Path, journal: Journal) -> Any:
    adapter = adapters.gather(trained, work)
    journal.progress(1, 3, "parts: the adapter is gathered")
    merged = adapters.merge(arguments.model, arguments.model_revision, arguments.precision, adapter)
    journal.progress(2, 3, "parts: it is merged into the base model")
    return merged


def stop_at_end_of_turn(model: Any, tokenizer: Any) -> None:
    """Greedy decoding that ends with the text or the turn, so that whoever loads the model need not know how."""
    stops = [tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids(END_OF_TURN)]
    config = model.generation_config
    config.eos_token_id = list(dict.fromkeys(stop for stop in stops if isinstance(stop, int)))
    config.pad_token_id = tokenizer.pad_token_id
    config.do_sample, config.temperature, config.top_p = False, None, None


if __name__ == "__main__":
    sys.exit(entry.main(Arguments, consolidate))
