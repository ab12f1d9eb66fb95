"""TensorBoard events of a training, beside the JSON lines: the same numbers for those who like curves."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = "tensorboard"


class Board:
    """Writes scalars below `folder`; where TensorBoard is not installed it says so once and writes nothing."""

    def __init__(self, folder: Path):
        self._folder = folder / FOLDER
        self._writer: Any = None
        self._missing = False

    def add(self, event: str, values: Mapping[str, Any]) -> None:
        """Adds the numbers of one event that has a step; what an earlier, killed run wrote past it is dropped."""
        if "step" not in values or self._missing:
            return
        step = values["step"]
        writer = self._open(step)
        for name, value in values.items():
            if writer and isinstance(value, float):
                writer.add_scalar(f"{event}/{name}", value, step)

    def _open(self, step: int) -> Any:
        if self._writer is None:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError:
                self._missing = True
                print("TensorBoard is not installed: no event files, metrics.jsonl has the numbers.", flush=True)
                return None
            self._writer = SummaryWriter(str(self._folder), purge_step=step)
        return self._writer

    def close(self) -> None:
        if self._writer:
            self._writer.close()
