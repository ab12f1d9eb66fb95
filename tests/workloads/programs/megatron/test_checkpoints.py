"""Which checkpoint training goes on from: the newest that is whole, whatever a kill or a lost file left beside it."""

from pathlib import Path

import pytest

from workloads.programs.megatron import checkpoints


def make(folder: Path, step: int, *, marked: bool = True, ranks: int = 2) -> str:
    name = f"megatron_llama--step={step}-consumed_samples={step * 256}.0.ckpt"
    for rank in range(ranks):
        tensors = folder / f"mp_rank_{rank:02d}" / f"{name}.tensors"
        tensors.mkdir(parents=True)
        (tensors / "tensor_0.pt").write_bytes(b"12345")
        (tensors.parent / name).write_bytes(b"123")
    states = folder / "mp_rank_00" / "optim" / "dp_rank_000"
    states.mkdir(parents=True, exist_ok=True)
    (states / name.replace(".ckpt", "-optimizer_states.ckpt")).write_bytes(b"1")
    if marked:
        checkpoints.mark_whole(folder, name)
    return name


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_the_newest_whole_one_is_found_by_its_step_and_not_by_its_name(tmp_path: Path) -> None:
    make(tmp_path, 900)
    name = make(tmp_path, 1000)
    assert checkpoints.newest(tmp_path) == checkpoints.Checkpoint(tmp_path / name, 1000)


def test_there_may_be_none(tmp_path: Path) -> None:
    assert checkpoints.newest(tmp_path / "not there") is None
    make(tmp_path, 500, marked=False)
    assert checkpoints.newest(tmp_path) is None


@pytest.mark.parametrize("victim", ["mp_rank_01", "tensor_0.pt", "optimizer_states"])
def test_one_that_lost_a_file_is_passed_over(tmp_path: Path, victim: str) -> None:
    make(tmp_path, 500)
    make(tmp_path, 1000)
    lost = (
        next(path for path in sorted(tmp_path.rglob("*=1000-*")) if path.is_file() and victim in str(path))
        if (victim != "tensor_0.pt")
        else next(tmp_path.glob("*/*=1000-*/tensor_0.pt"))
    )
    lost.unlink()
    found = checkpoints.newest(tmp_path)
    assert found
    assert found.step == 500


def test_one_with_a_file_cut_short_is_passed_over(tmp_path: Path) -> None:
    make(tmp_path, 500)
    make(tmp_path, 1000)
    next(tmp_path.glob("*/*=1000-*/tensor_0.pt")).write_bytes(b"1")
    found = checkpoints.newest(tmp_path)
    assert found
    assert found.step == 500


def test_half_ones_are_cleared_away_and_the_one_to_go_on_from_stays_whole(tmp_path: Path) -> None:
    make(tmp_path, 100)
    make(tmp_path, 1000)
    make(tmp_path, 1500, marked=False)
    kept = checkpoints.newest(tmp_path)
    before = {name for name in files(tmp_path) if "=1000-" in name}
    checkpoints.clear_but(tmp_path, kept)
    assert files(tmp_path) == before
    assert checkpoints.newest(tmp_path) == kept


def test_without_one_to_keep_all_are_cleared_away(tmp_path: Path) -> None:
    make(tmp_path, 500, marked=False)
    checkpoints.clear_but(tmp_path, None)
    assert files(tmp_path) == set()


def test_the_repositorys_word_that_one_is_whole_is_understood_and_no_other() -> None:
    name = "megatron_llama--step=500-consumed_samples=128000.0.ckpt"
    said = f"[NeMo I 2026-11-21 10:00:00 nlp_overrides:265] Synchronous saving of checkpoint {name} fully completed\n"
    assert checkpoints.saved(said) == name
    assert checkpoints.saved(f"Synchronous saving of checkpoint {name} began") is None
    assert checkpoints.saved(f"Removing previous checkpoint {name}") is None
    assert checkpoints.step_of(name) == 500
