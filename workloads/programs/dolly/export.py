"""Step `export`: the consolidated model compiled for inference on a few NeuronCores, with fixed batch and length.

Leaves `model/`: the compiled graphs, the weights in a shard a core, and both configs. Neuron's compiler runs on a
processor; what it makes runs on the kind of instance that it is made for.
"""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import entry, folders
from ..entry import argument
from ..finetune import RESULT
from ..journal import Journal


@dataclass
class Arguments:
    out: str = argument("folder of this step")
    model: str = argument("folder of the step that consolidated the model")
    instance_type: str = argument("kind of instance to run on: trn1, trn1n, trn2")
    batch_size: int = argument("prompts at a time")
    sequence_length: int = argument("tokens of a prompt and its answer together")
    tensor_parallel_degree: int = argument("NeuronCores that hold the model together")


def export(arguments: Arguments, out: Path) -> None:
    from optimum.neuron import NeuronModelForCausalLM  # pyright: ignore[reportMissingImports]

    model = folders.require_done(Path(arguments.model)) / RESULT
    config = NeuronModelForCausalLM.get_neuron_config(
        str(model),
        instance_type=arguments.instance_type,
        batch_size=arguments.batch_size,
        sequence_length=arguments.sequence_length,
        tensor_parallel_size=arguments.tensor_parallel_degree,
    )
    exported: Any = NeuronModelForCausalLM.export(str(model), neuron_config=config, load_weights=False)
    exported.save_pretrained(str(out / RESULT))
    shutil.copyfile(model / "generation_config.json", out / RESULT / "generation_config.json")
    Journal(out).result(
        f"compiled for {arguments.tensor_parallel_degree} NeuronCores of {arguments.instance_type}, batch "
        f"{arguments.batch_size}, {arguments.sequence_length:,} tokens"
    )


if __name__ == "__main__":
    sys.exit(entry.main(Arguments, export))
