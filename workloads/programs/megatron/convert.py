"""Step `convert`: the last checkpoint, by the repository's own converter, as a model that transformers loads.

Leaves `model/`: weights, config and tokenizer. It needs no Neuron device, and memory for the weights, the optimizer's
states that lie in the same files, and the weights joined: about 130 GB for Llama 2 7B in fp32.
"""

import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import entry, folders
from ..entry import WORK, argument
from ..errors import UserError
from ..folders import TOKENIZER
from ..journal import Journal
from . import checkpoints, repository
from .pretraining import CHECKPOINTS, FEED_FORWARD, HEADS, HIDDEN, LAYERS, NORM_EPSILON, Command
from .process import Failed, carry_out

MODEL = "model"
WEIGHTS = "pytorch_model.bin"
VOCABULARY_MULTIPLE = 8
"""The repository's make_vocab_size_divisible_by: each tensor-parallel rank has a multiple of as many rows."""


@dataclass
class Arguments:
    out: str = argument("folder of this step")
    train: str = argument("folder of the step that trained")
    tokenizer: str = argument("folder of the step that fetched the tokenizer")
    sequence_length: int = argument("tokens in a sequence")
    tensor_parallel_degree: int = argument("NeuronCores that shared each layer")


def convert(arguments: Arguments, out: Path) -> None:
    journal = Journal(out)
    trained = folders.require_done(Path(arguments.train))
    tokenizer = folders.require_done(Path(arguments.tokenizer)) / TOKENIZER
    checkpoint = checkpoints.newest(trained / CHECKPOINTS)
    if checkpoint is None:
        raise UserError(f"{trained} has no whole checkpoint.")
    work, model = out / WORK, out / MODEL
    work.mkdir(exist_ok=True)
    config = json.dumps(model_config(arguments, vocabulary(tokenizer)), indent=1)
    (work / "config.json").write_text(config)
    carry_out(
        converting(checkpoint.path.parent, work / "config.json", model), work / "log", lambda line: None, os.environ
    )
    if not (model / WEIGHTS).is_file():
        raise Failed(f"error: the converter left no {WEIGHTS}, and said that all was well")
    (model / "config.json").write_text(config)
    for file in tokenizer.iterdir():
        if file.name != "config.json":
            shutil.copyfile(file, model / file.name)
    journal.result(f"{(model / WEIGHTS).stat().st_size / 1e9:.1f} GB of weights, after {checkpoint.step:,} steps")


def converting(trained: Path, config: Path, model: Path) -> Command:
    """The converter's command. It takes the newest checkpoint below `trained` by itself."""
    places = ("--path_to_checkpoints", str(trained), "--config_file", str(config), "--output_path", str(model))
    return Command(
        ("python3", repository.CONVERTER, *places, "--is_xser", "--trn"), {"PYTHONPATH": repository.EXAMPLES}
    )


def model_config(arguments: Arguments, tokens: int) -> dict[str, Any]:
    """The model's config.json: what the converter reads the number of heads from, and transformers all the rest."""
    multiple = VOCABULARY_MULTIPLE * arguments.tensor_parallel_degree
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": HIDDEN,
        "intermediate_size": FEED_FORWARD,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": HEADS,
        "hidden_act": "silu",
        "rms_norm_eps": NORM_EPSILON,
        "rope_theta": 10000.0,
        "max_position_embeddings": arguments.sequence_length,
        "vocab_size": -(-tokens // multiple) * multiple,
        "tie_word_embeddings": False,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "torch_dtype": "float32",
    }


def vocabulary(tokenizer: Path) -> int:
    """Tokens of the tokenizer in that folder, those added to its model included."""
    from transformers import AutoTokenizer

    return len(AutoTokenizer.from_pretrained(str(tokenizer)))


if __name__ == "__main__":
    sys.exit(entry.main(Arguments, convert))
