"""Packing: every sequence that fits lies whole in one block, none overlaps another, and nothing else is there."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from workloads.programs import blocks, packing

LENGTHS = st.lists(st.integers(1, 120), min_size=1, max_size=300)


@given(LENGTHS)
def test_sequences_that_fit_lie_whole_and_apart(lengths: list[int]) -> None:
    block_size = 100
    layout = packing.lay_out(np.array(lengths), block_size)
    taken = np.zeros((layout.blocks, block_size), dtype=int)
    for length, block, offset in zip(lengths, layout.block, layout.offset, strict=True):
        if length > block_size:
            assert block == -1
        else:
            assert offset + length <= block_size
            taken[block, offset : offset + length] += 1
    assert taken.max(initial=0) <= 1
    assert layout.too_long == sum(length > block_size for length in lengths)


@given(LENGTHS)
def test_no_block_is_empty_and_each_is_filled_from_its_start(lengths: list[int]) -> None:
    layout = packing.lay_out(np.array(lengths), 100)
    assert set(range(layout.blocks)) == {
        int(b) for b, o in zip(layout.block, layout.offset, strict=True) if o == 0 <= b
    }


def test_rows_like_the_real_ones_leave_little_empty() -> None:
    lengths = np.random.default_rng(0).integers(80, 250, size=20_000)
    layout = packing.lay_out(lengths, 1024)
    assert lengths.sum() / (layout.blocks * 1024) > 0.97


def test_what_was_packed_can_be_read_back(tmp_path) -> None:  # type: ignore[no-untyped-def]
    sequences = [np.arange(1, 1 + length, dtype=np.int32) for length in (3, 5, 9, 2)]
    counts = blocks.write(tmp_path / "x.npy", np.array([3, 5, 9, 2]), sequences, block_size=8)
    rows = blocks.read(tmp_path / "x.npy")
    assert counts == {**counts, "blocks": 2, "tokens": 10, "rows": 4, "too_long": 1}
    assert rows.tolist() == [[1, 2, 3, 1, 2, 3, 4, 5], [1, 2, *[packing.EMPTY] * 6]]


def test_padding_is_read_as_a_token_but_never_counted() -> None:
    inputs, labels = packing.inputs_and_labels(np.array([[4, 0, packing.EMPTY]], dtype=np.int32))
    assert inputs.tolist() == [[4, 0, 0]]
    assert labels.tolist() == [[4, 0, packing.IGNORED_LABEL]]
