"""Llama 2 7B pretrained from scratch by neuronx-nemo-megatron under MPI: the recipe of seed guide 001.

Where the guide was mended, docs/recipes/llama2-7b-megatron.md says how.
"""

from .. import compiling
from ..recipe import Recipe
from ..step import Folder
from .parameters import Megatron, MegatronRehearsal
from .steps import steps

_MPI = "runs under mpirun on Trainium nodes; its commands, of every node, are checked by the step check"

MEGATRON = Recipe(
    name="llama2-7b-megatron",
    summary="Llama 2 7B pretrained from scratch by NeMo Megatron under MPI, converted and tested",
    seed_guide="001",
    parameters=Megatron,
    rehearsal=MegatronRehearsal,
    instances=("trn1.32xlarge", "trn1n.32xlarge"),
    most_nodes=16,
    results={
        "model": Folder("convert", "model"),
        "report": Folder("test", "report.md"),
        "tensorboard": Folder("train", "tensorboard"),
        "commands": Folder("check", "commands.json"),  # which rehearsals alone have
    },
    steps=steps,
    only_on_neuron={
        compiling.NAME: _MPI,
        "train": _MPI,
        "convert": "needs a checkpoint of train and the recipe's image; its command is checked by the step check",
        "test": "needs the model that convert leaves",
    },
)
