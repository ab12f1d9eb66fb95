"""Values and types that parameters of several recipes have."""

from pathlib import Path
from typing import Literal

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
"""The project's own data in the real data sets' forms, for rehearsals and tests without a network."""

TINY = "tiny"
"""In place of a model's or a tokenizer's name: the one that a rehearsal makes for itself."""

Precision = Literal["bf16", "fp32"]
