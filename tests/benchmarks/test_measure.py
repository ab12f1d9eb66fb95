"""What `make bench` measures with."""

import pytest

from benchmarks.measure import cost

MIB = 2**20


def test_the_memory_of_who_measures_is_not_counted() -> None:
    held = bytearray(200 * MIB)
    least, more = cost(["-c", "pass"]), cost(["-c", f"bytearray({150 * MIB})"])
    assert least.memory < 50
    assert 150 <= more.memory < 200
    assert len(held) == 200 * MIB


def test_a_command_that_fails_is_told_with_its_own_words() -> None:
    with pytest.raises(RuntimeError, match=r"(?s)ended with status 3:.*no room"):
        cost(["-c", "import sys; print('no room'); sys.exit(3)"])
