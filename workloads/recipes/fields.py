"""Values and types that parameters of several recipes have.

The types refuse what no run could make sense of, each with the reason. Where a bound is a counter's, it is there so
that a slip of the keyboard is told, and does not end in a program's traceback hours later.
"""

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, FiniteFloat
from pydantic_core import PydanticCustomError

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
"""The project's own data in the real data sets' forms, for rehearsals and tests without a network."""

Precision = Literal["bf16", "fp32"]

MOST = 2**63 - 1
"""What a 64-bit counter holds, as NumPy's and torch's lengths are."""

MOST_STEPS = 2**24
"""torch's AdamW counts its steps in a 32-bit float, which adds no more 1 to 16,777,216."""

MOST_SEED = 2**32 - 1
"""What NumPy takes as a seed."""


def _counted(value: int) -> int:
    if value > MOST_STEPS:
        raise PydanticCustomError(
            "steps", "AdamW counts its steps in a 32-bit float, to {most} at the most", {"most": f"{MOST_STEPS:,}"}
        )
    return value


HUB_NAME = re.compile(r"(?!.*(--|\.\.))(?=.{1,96}$)\w[\w.-]*(/\w[\w.-]*)?", re.ASCII)
"""owner/name or name, in 96 characters at the most, as huggingface_hub.utils.validate_repo_id has it."""

FILES = (".jsonl", ".json", ".parquet", ".txt")
"""How names of files with data end."""


def _named(value: str) -> str:
    if not (HUB_NAME.fullmatch(value) or _is_path(value)):
        raise PydanticCustomError("hub_name", "neither a name on the Hugging Face Hub, as owner/name, nor a path")
    return value


def _is_path(value: str) -> bool:
    begins_as_one = value.startswith(("/", "./", "../", "~/"))
    return value == value.strip() and value.isprintable() and (begins_as_one or Path(value).suffix in FILES)


Count = Annotated[int, Field(gt=0, le=MOST)]
CountOrNone = Annotated[int, Field(ge=0, le=MOST)]
"""0 for none, or for as many as there are."""
Steps = Annotated[int, Field(gt=0), AfterValidator(_counted)]
StepsOrNone = Annotated[int, Field(ge=0), AfterValidator(_counted)]
Seed = Annotated[int, Field(ge=0, le=MOST_SEED)]
Amount = Annotated[FiniteFloat, Field(gt=0)]
AmountOrNone = Annotated[FiniteFloat, Field(ge=0)]
HubName = Annotated[str, AfterValidator(_named)]
"""A model, a tokenizer or a data set: its name on the Hub, or a path."""
