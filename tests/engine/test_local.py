"""The platform `local` under the real engine: its steps really run."""

from pathlib import Path

import pytest
from pulumi import automation as auto

from tests.engine.stack import EngineStack
from workloads.programs import folders


def done(tmp_path: Path) -> set[str]:
    """The steps whose folders are whole."""
    return {path.name.rpartition("-")[0] for path in (tmp_path / "shared").glob("runs/*/*") if folders.is_done(path)}


def test_an_update_runs_the_steps_the_next_changes_nothing_and_a_destroy_keeps_what_they_made(
    local_stack: EngineStack, tmp_path: Path
) -> None:
    assert local_stack.preview().change_summary
    assert done(tmp_path) == set()
    local_stack.up()
    assert done(tmp_path) == {"base", "prepare", "train"}
    assert set(local_stack.up().summary.resource_changes or {}) == {"same"}
    local_stack.destroy()
    assert local_stack.resources() == []
    assert done(tmp_path) == {"base", "prepare", "train"}


def test_a_changed_parameter_runs_what_depends_on_it_and_nothing_before(
    local_stack: EngineStack, tmp_path: Path
) -> None:
    local_stack.up(steps={"to": "prepare"})
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "shared").rglob("_SUCCESS")}
    small = local_stack.config["parameters"]
    local_stack.up(steps={"to": "train"}, parameters={**small, "learning_rate": 1e-3})
    assert done(tmp_path) == {"base", "prepare", "train"}
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_failed_step_gives_its_reason(local_stack: EngineStack, tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"question": "how many?"}\n')
    with pytest.raises(auto.CommandError, match=r"rows\.jsonl"):
        local_stack.up(parameters={**local_stack.config["parameters"], "dataset": str(rows)})


def test_every_mistake_of_a_config_is_told_at_once(local_stack: EngineStack) -> None:
    local_stack.config.update(recipee="x", steps={"to": "trian"}, parameters={"max_step": 1})
    with pytest.raises(auto.CommandError) as error:
        local_stack.preview()
    for key in ("trainyard:recipee", "trainyard:steps.to", "trainyard:parameters.max_step"):
        assert key in str(error.value)
    assert "Traceback" not in str(error.value)
