"""Learning rate and batches are functions of the step alone: resuming needs no memory of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workloads.programs.training.schedule import Linear, Sampler

SAMPLERS = st.builds(
    Sampler,
    blocks=st.integers(24, 200),
    micro_batch=st.integers(1, 3),
    accumulation=st.integers(1, 4),
    ranks=st.integers(1, 2),
    seed=st.integers(0, 5),
)


def test_the_learning_rate_warms_up_to_its_peak_and_falls_to_nothing() -> None:
    schedule = Linear(peak=1.0, warmup_steps=4, max_steps=12)
    rates = [schedule.at(step) for step in range(13)]
    assert rates[:5] == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert rates[4:] == sorted(rates[4:], reverse=True)
    assert rates[12] == 0.0


def test_without_warm_up_the_first_step_takes_the_whole_rate() -> None:
    assert Linear(peak=1e-5, warmup_steps=0, max_steps=250).at(0) == pytest.approx(1e-5)


@given(SAMPLERS)
def test_an_epoch_reads_no_block_twice_over_all_ranks(sampler: Sampler) -> None:
    read = [sampler.at(step, rank) for step in range(sampler.steps_per_epoch) for rank in range(sampler.ranks)]
    blocks = np.concatenate([indices.ravel() for indices in read])
    assert len(set(blocks)) == len(blocks) == sampler.steps_per_epoch * sampler.global_batch
    assert set(blocks) <= set(range(sampler.blocks))


@given(SAMPLERS)
def test_each_epoch_has_an_order_of_its_own(sampler: Sampler) -> None:
    first = [sampler.at(step, 0).tolist() for step in range(sampler.steps_per_epoch)]
    second = [sampler.at(step + sampler.steps_per_epoch, 0).tolist() for step in range(sampler.steps_per_epoch)]
    assert first != second


@given(SAMPLERS, st.integers(0, 50))
def test_the_same_step_reads_the_same_blocks_again(sampler: Sampler, step: int) -> None:
    again = Sampler(sampler.blocks, sampler.micro_batch, sampler.accumulation, sampler.ranks, sampler.seed)
    assert sampler.at(step, 0).tolist() == again.at(step, 0).tolist()


def test_more_ranks_with_less_accumulation_read_the_same_global_batch() -> None:
    one = Sampler(blocks=40, micro_batch=2, accumulation=4, ranks=1, seed=3)
    two = Sampler(blocks=40, micro_batch=2, accumulation=2, ranks=2, seed=3)
    together = np.concatenate([two.at(1, rank).ravel() for rank in range(2)])
    assert sorted(together) == sorted(one.at(1, 0).ravel())
