"""The questions about a whole memory: which facts are new, which pairs are asked about, within which tokens."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import UUID

import pytest

from afterturn import tokens
from afterturn.consolidation.rules import UserNames
from afterturn.sleep import questions
from afterturn.sleep.clusters import MAX_FACTS, make_clusters
from afterturn.sleep.near_pairs import NearPair
from afterturn.sleep.tidying import CurrentFact
from afterturn.sleep.whole_memory import WholeMemory

BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
FIXED_TOKENS = 100
JUDGE = SimpleNamespace(prompt_tokens=lambda text: FIXED_TOKENS + tokens.estimate(text))


def fact(number, *, minute=None):
    return CurrentFact(
        fact_id=UUID(int=number),
        text=f"Ana owns book number {number}.",
        subject=None,
        attribute=None,
        value=None,
        said_at=BEGUN,
        importance=0.5,
        times_seen=1,
        said_valid_to=None,
        recorded_at=BEGUN + timedelta(minutes=number if minute is None else minute),
    )


def memory(facts, slept_through=None):
    return WholeMemory(version=1, read_at=BEGUN, slept_through=slept_through, names=UserNames(), facts=facts)


def pair(new, known, score=1.0):
    return NearPair(new_id=UUID(int=new), known_id=UUID(int=known), score=score)


def numbers(chosen):
    return [fact.fact_id.int for fact in chosen]


@pytest.mark.parametrize(
    ("slept_minutes", "limit", "chosen"),
    [(None, 10, [0, 1, 2, 3, 4]), (None, 2, [0, 1]), (2, 10, [3, 4]), (4, 10, []), (None, 0, [0])],
)
def test_the_facts_recorded_since_the_last_run_are_new(slept_minutes, limit, chosen):
    since = None if slept_minutes is None else BEGUN + timedelta(minutes=slept_minutes)
    assert numbers(questions.choose_new_facts(memory([fact(n) for n in range(5)], since), limit)) == chosen


def test_facts_recorded_at_one_time_are_chosen_together():
    facts = [fact(0), fact(1, minute=5), fact(2, minute=5), fact(3, minute=6)]
    assert numbers(questions.choose_new_facts(memory(facts), 2)) == [0]
    assert numbers(questions.choose_new_facts(memory(facts[1:]), 1)) == [1, 2]


def test_each_pair_is_in_a_cluster_and_a_cluster_has_a_largest_size():
    pairs = [pair(one, other, score=one - other) for one in range(30) for other in range(max(0, one - 3), one)]
    clusters = make_clusters(pairs)
    assert max(map(len, clusters)) <= MAX_FACTS
    assert all(any({one.new_id, one.known_id} <= set(cluster) for cluster in clusters) for one in pairs)
    assert make_clusters(pairs) == clusters


def test_a_fact_is_shown_once_in_a_cluster_and_groups_are_separated():
    [asked] = questions.fit_questions(
        [pair(2, 1), pair(3, 2), pair(9, 8)], [fact(n) for n in range(10)], JUDGE, budget=10_000, max_calls=9
    )
    assert asked.text() == (
        "New:\nN1 (2026-01-01): Ana owns book number 1.\nN2: Ana owns book number 2.\nN3: Ana owns book number 3.\n\n"
        "N4: Ana owns book number 8.\nN5: Ana owns book number 9."
    )


@pytest.mark.parametrize("budget", [0, 130, 400, 1_000, 5_000])
def test_the_nearest_pairs_are_asked_about_within_the_tokens_of_a_run(budget):
    facts = [fact(n) for n in range(200)]
    pairs = [pair(n, n - 1, score=n) for n in range(1, 200, 2)]
    asked = questions.fit_questions(pairs, facts, JUDGE, budget=budget, max_calls=9)
    assert sum(JUDGE.prompt_tokens(one.text()) for one in asked) <= budget
    shown = {known.fact_id.int for one in asked for known in one.new}
    assert shown == set(range(200 - len(shown), 200))
    assert bool(shown) == (budget > 120)


def test_a_run_asks_at_most_so_many_questions(monkeypatch):
    monkeypatch.setattr(questions, "TOKENS_PER_QUESTION", 100)
    pairs = [pair(n, n - 1, score=n) for n in range(1, 200, 2)]
    asked = questions.fit_questions(pairs, [fact(n) for n in range(200)], JUDGE, budget=100_000, max_calls=3)
    assert len(asked) == 3
