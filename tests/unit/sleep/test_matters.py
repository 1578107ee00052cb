"""Which facts form a matter, with the stems and vectors of the facts given by hand."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np
import pytest

from afterturn.consolidation.rules import UserNames
from afterturn.sleep import matters
from afterturn.sleep.matters import Features, MatterFact

BEGUN = datetime(2023, 1, 1, tzinfo=UTC)
NO_CODES = np.array([], dtype=np.uint32)


def fact(number, *, days=0, subject="Ana", attribute=None, superseded_by=None, said_days=None):
    return MatterFact(
        fact_id=UUID(int=number),
        text=f"fact {number}",
        subject=subject,
        attribute=attribute,
        since=BEGUN + timedelta(days=days),
        said_at=BEGUN + timedelta(days=days if said_days is None else said_days),
        superseded_by=None if superseded_by is None else UUID(int=superseded_by),
        is_current=superseded_by is None,
    )


def found(facts, stems, *, vectors=None, ignored=(), names=()):
    """Return the numbers of the facts of each matter."""
    features = Features(
        stems=[np.array(sorted(codes), dtype=np.uint32) for codes in stems],
        vectors=None if vectors is None else np.array(vectors, dtype=np.float32),
        has_vector=np.full(len(facts), vectors is not None),
        ignored=np.array(ignored, dtype=np.uint32),
    )
    result = matters.find_matters(facts, features, UserNames.from_display_names(names))
    return [[fact.fact_id.int for fact in matter.facts] for matter in result]


def test_facts_that_share_rare_words_on_several_days_are_one_matter():
    facts = [fact(number, days=number) for number in range(6)]
    stems = [{1, 2, 10}, {1, 2, 11}, {1, 2, 12}, {20, 21}, {30, 31}, {40, 41}]
    assert found(facts, stems) == [[0, 1, 2]]


@pytest.mark.parametrize(("days", "count"), [([0, 0, 0], 0), ([0, 0, 1], 1)])
def test_a_matter_has_facts_of_two_days(days, count):
    facts = [fact(number, days=day) for number, day in enumerate(days)]
    assert len(found(facts, [{1, 2}] * 3)) == count


def test_two_facts_are_no_matter():
    assert found([fact(0), fact(1, days=1)], [{1, 2}] * 2) == []
    assert found([], []) == []


def test_the_name_of_the_user_makes_no_matter():
    facts = [fact(number, days=number) for number in range(4)]
    stems = [{7, 10 + number} for number in range(4)]
    assert found(facts, stems) == [[0, 1, 2, 3]], "while nobody says that it is a name"
    assert found(facts, stems, ignored=[7]) == []


def test_a_word_of_most_facts_makes_no_matter():
    facts = [fact(number, days=number) for number in range(10)]
    assert found(facts, [{7, 10 + number} for number in range(10)]) == []


def test_versions_and_values_of_one_attribute_are_one_matter_whatever_their_words():
    facts = [fact(0, superseded_by=1), fact(1, days=1, superseded_by=2), fact(2, days=2)]
    assert found(facts, [{10}, {11}, {12}]) == [[0, 1, 2]]
    jobs = [fact(number, days=number, attribute="works_at") for number in range(3)]
    assert found(jobs, [{10}, {11}, {12}]) == [[0, 1, 2]]
    assert found(jobs, [{10}, {11}, {12}], names=["Ana"]) == [[0, 1, 2]]
    likes = [fact(number, days=number, attribute="likes") for number in range(3)]
    assert found(likes, [{10}, {11}, {12}]) == [], "what may have many values does not develop"


def test_a_fact_between_two_matters_does_not_join_them():
    facts = [fact(number, days=number) for number in range(9)]
    first, second = {1, 2, 3}, {4, 5, 6}
    stems = [first | {10 + number} for number in range(4)] + [{3, 4}] + [second | {20 + number} for number in range(4)]
    groups = [set(group) - {4} for group in found(facts, stems)]
    assert sorted(map(sorted, groups)) == [[0, 1, 2, 3], [5, 6, 7, 8]]


def test_vectors_join_facts_that_share_few_words():
    facts = [fact(number, days=number) for number in range(40)]
    stems = [{1, 100 + number} if number < 4 else {200 + number} for number in range(40)]
    vectors = np.eye(40, dtype=np.float32)
    assert found(facts, stems, vectors=vectors) == []
    vectors[:4, 0] = 2.0
    assert found(facts, stems, vectors=vectors) == [[0, 1, 2, 3]]


def test_a_new_fact_leaves_other_matters_as_they_are():
    facts = [fact(number, days=number) for number in range(6)]
    stems = [{1, 2}, {1, 2}, {1, 2}, {3, 4}, {3, 4}, {3, 4}]
    before = found(facts, stems)
    after = found([*facts, fact(6, days=6)], [*stems, {1, 2}])
    assert after == [[0, 1, 2, 6], [3, 4, 5]]
    assert before == [[3, 4, 5], [0, 1, 2]]


def test_the_number_of_facts_and_of_matters_is_limited():
    facts = [fact(number, days=number) for number in range(50)]
    [shown] = found(facts, [{1, 2} if number < 9 else {1, 2, 3} for number in range(50)]) or [[]]
    assert shown == [], "a word of all facts is no matter"
    many = matters.MOST_MATTERS + 5
    facts = [fact(number, days=number % 3, said_days=number) for number in range(3 * many)]
    groups = found(facts, [{number // 3, 1_000 + number // 3} for number in range(3 * many)])
    assert len(groups) == matters.MOST_MATTERS
    assert groups[0] == [3 * many - 3, 3 * many - 2, 3 * many - 1], "the last said comes first"


def test_of_a_long_matter_its_beginning_and_its_newest_facts_are_shown():
    chain = [fact(number, days=number, superseded_by=number + 1 if number < 39 else None) for number in range(40)]
    values = [fact(number, days=number, attribute="weight") for number in range(40)]
    for facts in (chain, values):
        groups = found(facts, [{100 + number} for number in range(40)])
        assert all(len(group) <= matters.MOST_FACTS for group in groups)
    assert groups == [[0, 1, 2, 3, *range(20, 40)]]


def test_merging_the_most_similar_groups_first_gives_the_same_groups():
    """Compare nearest-neighbour chains with the definition, on random similarities."""
    generator = np.random.default_rng(7)
    for _ in range(20):
        count = int(generator.integers(2, 25))
        similarity = generator.random((count, count)).astype(np.float32)
        similarity = (similarity + similarity.T) / 2
        chains = matters.group_similar(similarity, 0.55)
        assert sorted(map(sorted, chains)) == sorted(map(sorted, merge_slowly(similarity, 0.55)))


def merge_slowly(similarity, least):
    groups = [[place] for place in range(len(similarity))]
    while len(groups) > 1:
        pairs = [(a, b) for a in range(len(groups)) for b in range(a)]
        averages = [similarity[np.ix_(groups[a], groups[b])].mean() for a, b in pairs]
        best = int(np.argmax(averages))
        if averages[best] < least:
            break
        a, b = pairs[best]
        groups[b] += groups.pop(a)
    return groups
