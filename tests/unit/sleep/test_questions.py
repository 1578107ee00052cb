"""What of a whole memory is asked about: what one call cannot show was not all compared when it came."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from afterturn.consolidation import judgement
from afterturn.consolidation.rules import Names
from afterturn.sleep import questions
from afterturn.sleep.memory import WholeMemory
from afterturn.sleep.tidying import HeldFact

BEGUN = datetime(2026, 1, 1, tzinfo=UTC)


def memory(count, *, characters=20, slept_through=None):
    facts = [
        HeldFact(
            fact_id=UUID(int=number),
            text="a" * characters,
            subject=None,
            attribute=None,
            value=None,
            said_at=BEGUN,
            importance=0.5,
            times_seen=1,
            said_valid_to=None,
            recorded_at=BEGUN + timedelta(minutes=number),
        )
        for number in range(count)
    ]
    return WholeMemory(version=1, slept_through=slept_through, names=Names(), facts=facts)


@pytest.mark.parametrize(
    ("held", "groups"),
    [
        (memory(judgement.MOST_KNOWN), []),
        (memory(judgement.MOST_KNOWN + 1), [10] * 15 + [1]),
        # Fewer, but longer ones.
        (memory(45, characters=400), [10] * 4 + [5]),
        (memory(45, characters=400, slept_through=BEGUN + timedelta(minutes=39)), [5]),
    ],
)
def test_a_memory_that_one_call_can_show_is_not_asked_about(held, groups):
    assert [len(group) for group in questions.unjudged(held)] == groups
