"""The table of conversations: turns and model answers -> current facts, history, facts at earlier times."""

from __future__ import annotations

import pytest

from tests.knowledge import (
    backfill,
    changes,
    corrections,
    details,
    edits,
    hostile,
    lives,
    offline,
    people,
    relations,
    repeats,
    returns,
    speakers,
    times,
)
from tests.knowledge.case import Case, parse_time
from tests.knowledge.table import Table

THEMES = (
    changes,
    corrections,
    details,
    people,
    times,
    backfill,
    repeats,
    speakers,
    hostile,
    edits,
    lives,
    offline,
    relations,
    returns,
)
CASES = [case for theme in THEMES for case in theme.CASES]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(table: Table, case: Case) -> None:
    known = table.run(case)
    assert known.current() == sorted(case.current)
    assert known.faded() == sorted(case.faded)
    assert known.ended() == sorted(case.ended)
    assert known.rejected == list(case.rejected)
    if case.contradicting is not None:
        assert known.contradicting() == sorted(case.contradicting)
    if case.overruled is not None:
        assert known.overruled == case.overruled
    for user, texts in case.other_users.items():
        assert (user, known.current(user)) == (user, sorted(texts))
    for text, life in case.lives.items():
        assert (text, known.fact(text).life) == (text, life)
    for text, when in case.fades.items():
        assert (text, known.fact(text).fades_at) == (text, when and parse_time(when))
    for text, line in case.reads.items():
        assert (text, known.line(text)) == (text, line)
    for text, versions in case.history.items():
        assert (text, known.history(text)) == (text, list(versions))
    for when, texts in case.true_on.items():
        assert (when, known.true_on(when)) == (when, sorted(texts))
    for step, texts in case.believed_after.items():
        assert (step, known.believed_after(step)) == (step, sorted(texts))
    for text, seen in case.times_seen.items():
        assert (text, known.fact(text).times_seen) == (text, seen)
    for text, quotes in case.quotes.items():
        assert (text, [item.quote for item in known.fact(text).evidence]) == (text, list(quotes))
    for text, speaker in case.said_by.items():
        assert (text, known.fact(text).said_by) == (text, speaker)
    for text, (since, until) in case.valid_times.items():
        wanted = tuple(when and parse_time(when) for when in (since, until))
        assert (text, known.valid_times(text)) == (text, wanted)
    if case.judging_calls is not None:
        assert known.judging_calls == case.judging_calls


def test_the_table_is_large_and_case_names_are_unique() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    assert sum(case.is_offline for case in CASES) >= 15
    assert sum(not case.is_offline for case in CASES) >= 45
