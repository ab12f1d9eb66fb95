"""Every weight of Llama 2 7B tuned to follow instructions: the recipe of seed guide 002.

Where the guide was mended, docs/recipes/llama2-7b-dolly.md says how.
"""

from .. import compiling
from ..recipe import Recipe
from ..step import Folder
from .parameters import Dolly, DollyRehearsal
from .steps import steps

DOLLY = Recipe(
    name="llama2-7b-dolly",
    summary="Llama 2 7B, every weight of it, learns to follow instructions, and answers on two NeuronCores",
    seed_guide="002",
    parameters=Dolly,
    rehearsal=DollyRehearsal,
    instances=("trn1.32xlarge", "trn1n.32xlarge", "trn2.48xlarge"),
    most_nodes=4,
    results={
        "model": Folder("consolidate", "model"),
        "report": Folder("generate", "report.md"),
        "tensorboard": Folder("train", "tensorboard"),
    },
    steps=steps,
    only_on_neuron={
        compiling.NAME: compiling.WITHOUT_DEVICE,
        "export": "Neuron's compiler makes the model for inference, and here the consolidated one answers itself",
    },
)
