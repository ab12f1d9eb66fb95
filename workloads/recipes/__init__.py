"""Recipes: what to run, as data. `RECIPES` is the list of what `trainyard:recipe` may name."""

from . import own
from .dolly import DOLLY
from .megatron import MEGATRON
from .pretraining import LLAMA2_RAY
from .recipe import Fleet, Parameters, Recipe
from .step import Step
from .text_to_sql import LORA, TEXT_TO_SQL

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe for recipe in (LORA, MEGATRON, DOLLY, LLAMA2_RAY, TEXT_TO_SQL, *own.found())
}

__all__ = ["RECIPES", "Fleet", "Parameters", "Recipe", "Step"]
