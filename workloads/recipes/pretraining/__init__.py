"""Llama 2 7B from random weights, by Ray Train on several nodes: the recipe of seed guide 003.

Where the guide was mended, docs/recipes/llama2-7b-ray.md says how.
"""

from .. import compiling
from ..recipe import Recipe
from ..step import Folder
from .parameters import Pretraining, PretrainingRehearsal
from .steps import steps

LLAMA2_RAY = Recipe(
    name="llama2-7b-ray",
    summary="Llama 2 7B learns English from random weights, by Ray Train's workers on several nodes",
    seed_guide="003",
    parameters=Pretraining,
    rehearsal=PretrainingRehearsal,
    instances=("trn1.32xlarge", "trn1n.32xlarge", "trn2.48xlarge"),
    most_nodes=16,
    results={
        "model": Folder("consolidate", "model"),
        "report": Folder("test", "report.md"),
        "training": Folder("train", "report.md"),
        "tensorboard": Folder("train", "tensorboard"),
    },
    steps=steps,
    only_on_neuron={compiling.NAME: compiling.WITHOUT_DEVICE},
)
