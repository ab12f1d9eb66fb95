"""Recipes: what to run, as data. `RECIPES` is the list of what `trainyard:recipe` may name."""

from .dolly import DOLLY
from .pretraining import LLAMA2_RAY
from .recipe import Fleet, Parameters, Recipe
from .step import Step
from .text_to_sql import LORA, TEXT_TO_SQL

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in (LORA, TEXT_TO_SQL, DOLLY, LLAMA2_RAY)}

__all__ = ["RECIPES", "Fleet", "Parameters", "Recipe", "Step"]
