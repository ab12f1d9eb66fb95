"""Low-rank adapters that teach Llama 3 8B to write SQL: the recipes of seed guides 000 and 004, with shared programs.

Where the guides were mended, docs/recipes/text-to-sql.md says how.
"""

from dataclasses import replace

from .. import compiling
from ..recipe import Recipe
from ..step import Folder
from .parameters import TextToSql, TextToSqlRehearsal
from .steps import steps

_RESULTS = {
    "model": Folder("consolidate", "model"),
    "report": Folder("test", "report.md"),
    "tensorboard": Folder("train", "tensorboard"),
}
_BIG = ("trn1.32xlarge", "trn1n.32xlarge", "trn2.48xlarge")

LORA = Recipe(
    name="llama3-8b-lora",
    summary="Llama 3 8B learns to write SQL by low-rank adapters, with a workbench for those who go on by hand",
    seed_guide="000",
    parameters=TextToSql,
    rehearsal=TextToSqlRehearsal,
    instances=_BIG,
    most_nodes=4,
    results=_RESULTS,
    keep={**_RESULTS, "answers": Folder("test", "report.json"), "checkpoint": Folder("train", "checkpoints")},
    steps=steps,
    only_on_neuron={compiling.NAME: compiling.WITHOUT_DEVICE},
)

TEXT_TO_SQL = replace(
    LORA,
    name="llama3-8b-text-to-sql",
    summary="Llama 3 8B learns to write SQL by low-rank adapters, from data to a tested model without a hand on it",
    seed_guide="004",
)
