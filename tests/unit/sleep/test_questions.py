"""The facts of a whole memory that the judge compares: those of a memory that does not fit into one call."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from afterturn.consolidation import judgement
from afterturn.consolidation.rules import UserNames
from afterturn.sleep import questions
from afterturn.sleep.tidying import CurrentFact
from afterturn.sleep.whole_memory import WholeMemory

BEGUN = datetime(2026, 1, 1, tzinfo=UTC)


def memory(count, *, characters=20, slept_through=None):
    facts = [
        CurrentFact(
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
    return WholeMemory(version=1, read_at=BEGUN, slept_through=slept_through, names=UserNames(), facts=facts)


@pytest.mark.parametrize(
    ("whole_memory", "group_sizes"),
    [
        (memory(judgement.MAX_KNOWN_FACTS), []),
        (memory(judgement.MAX_KNOWN_FACTS + 1), [10] * 15 + [1]),
        # Fewer, but longer ones.
        (memory(45, characters=400), [10] * 4 + [5]),
        (memory(45, characters=400, slept_through=BEGUN + timedelta(minutes=39)), [5]),
    ],
)
def test_only_a_memory_that_exceeds_one_call_has_questions(whole_memory, group_sizes):
    assert [len(group) for group in questions.unjudged_groups(whole_memory)] == group_sizes
