"""A stack of its own for each test of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .stack import EngineStack, engine_stack, skipping


@pytest.fixture
def local_stack(tmp_path: Path) -> Iterator[EngineStack]:
    """The text-to-SQL recipe on the platform `local`, as small as it goes, up to the end of its training."""
    with skipping(), engine_stack(tmp_path / "engine", "test") as running:
        running.config.update(
            platform="local",
            local={"folder": str(tmp_path / "shared")},
            steps={"to": "train"},
            parameters={"train_rows": 100, "eval_rows": 8, "base_steps": 2, "max_steps": 12},
        )
        yield running
