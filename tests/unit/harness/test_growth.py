"""Functions whose time grows with the square of their input are found, on any machine."""

import pytest

from harness.growth import assert_time_is_proportional


def make(size: int) -> list[int]:
    return list(range(size))


def test_time_that_grows_with_the_input_is_accepted() -> None:
    assert_time_is_proportional(sum, make, 1_000_000)


def test_time_that_grows_with_the_square_of_the_input_is_not() -> None:
    def find_each(numbers: list[int]) -> None:
        for number in numbers:
            numbers.index(number)

    with pytest.raises(AssertionError, match="8 times as large"):
        assert_time_is_proportional(find_each, make, 8_000)
