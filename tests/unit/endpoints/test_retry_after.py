"""`Retry-After` as a date is compared with the endpoint's own clock."""

import time
from email.utils import formatdate

import pytest

from afterturn.endpoints.failures import retry_after_seconds

HOUR = 3_600


@pytest.mark.parametrize("ahead", [0, 2 * HOUR, -2 * HOUR])
def test_a_date_is_compared_with_the_date_of_the_answer(ahead):
    now = time.time() + ahead
    headers = {"date": formatdate(now, usegmt=True), "retry-after": formatdate(now + 30, usegmt=True)}
    assert retry_after_seconds(headers) == 30


def test_without_a_date_of_the_answer_our_clock_takes_its_place():
    shown = retry_after_seconds({"retry-after": formatdate(time.time() + HOUR, usegmt=True)})
    assert HOUR / 2 < shown <= HOUR
