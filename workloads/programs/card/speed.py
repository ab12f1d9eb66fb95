"""How fast a training was, against what its machines can do."""

import hashlib
import json
import math
import statistics
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

LONGEST_HEADER = 100 * 2**20
"""Bytes: what the safetensors library itself accepts."""

FORMULA = "operations for each weight and token × weights × tokens a second ÷ peak operations a second"


def typical(speeds: Sequence[float]) -> float | None:
    """The median without the first look, in which a model is compiled or loaded; None where there is none."""
    later = speeds[1:] or speeds
    return round(statistics.median(later), 1) if later else None


def utilization(
    tokens_per_second: float | None, weights: int | None, operations: int | None, peak: float | None, source: str | None
) -> dict[str, Any]:
    """Model FLOPs utilization; `peak` in teraflops of all machines together. `value` is None where a part is unknown.

    Attention's own operations are left out, padding is counted as tokens, and nothing is added for recomputation.
    """
    parts = {"tokens a second": tokens_per_second, "weights": weights, "operations": operations, "peak speed": peak}
    unknown = [name for name, value in parts.items() if not value]
    value = None
    if tokens_per_second and weights and operations and peak:
        value = round(operations * weights * tokens_per_second / (peak * 1e12), 4)
    return {
        "value": value,
        "unknown": unknown,
        "formula": FORMULA,
        "operations": operations,
        "peak_tflops": peak,
        "peak_source": source,
    }


def weights(folder: Path) -> int:
    """How many weights the safetensors in `folder`/model hold, by their headers; 0 where there is none to be read."""
    return sum(_weights(file) for file in sorted((folder / "model").glob("*.safetensors")))


def _weights(file: Path) -> int:
    """A file begins with its header's length in eight bytes, and the header in JSON: a shape for each tensor."""
    try:
        with file.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            header = json.loads(stream.read(length)) if length <= LONGEST_HEADER else {}
        return sum(math.prod(one["shape"]) for name, one in header.items() if name != "__metadata__")
    except (OSError, ValueError, struct.error, KeyError, TypeError, AttributeError):
        return 0


def sha256(digests: Mapping[str, str]) -> str:
    """One digest of many: of a line a file, in the order of their names."""
    lines = "".join(f"{name} {digest}\n" for name, digest in sorted(digests.items()))
    return hashlib.sha256(lines.encode()).hexdigest()
