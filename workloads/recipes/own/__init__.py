"""Recipes of one's own: each file here that says `RECIPE` is one, as docs/recipes/writing-your-own.md shows."""

import importlib
import pkgutil
from collections.abc import Iterator

from ..recipe import Recipe


def found() -> Iterator[Recipe]:
    """The recipes in this folder's files, by the files' names. TypeError for a file that has none."""
    for info in pkgutil.iter_modules(__path__):
        recipe = getattr(importlib.import_module(f"{__name__}.{info.name}"), "RECIPE", None)
        if not isinstance(recipe, Recipe):
            raise TypeError(f"workloads/recipes/own/{info.name}.py: says no RECIPE, which is to be a Recipe")
        yield recipe
