"""The score sees what is wrong with the facts."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from bench.data.conversation import Gold, SaidTurn, Update
from bench.knowledge_score import Expected, FactRow, Score, score

BEGIN = datetime(2023, 5, 7, tzinfo=UTC)
SAID = ("I live in Lisbon.", "I like tea.", "I live in Porto now.", "Tea, as ever.")
TURNS = {
    f"t{number}": SaidTurn(turn_id=f"t{number}", role="user", content=text, at=BEGIN + timedelta(days=number))
    for number, text in enumerate(SAID, 1)
}
LISBON, TEA, PORTO = "Ana lives in Lisbon.", "Ana likes tea.", "Ana lives in Porto."
UPDATE = Update(old=LISBON, new=PORTO)
GOLD = (
    Gold(text=LISBON, turn_ids=("t1",)),
    Gold(text=TEA, turn_ids=("t2",)),
    Gold(text=PORTO, turn_ids=("t3",)),
    Gold(text=TEA, turn_ids=("t4",)),
)


def day(number: int) -> datetime:
    return BEGIN + timedelta(days=number)


def row(text: str, *turn_ids: str, until: int | None = None, since: int = 1, status: str = "") -> FactRow:
    return FactRow(
        text=text,
        status=status or ("current" if until is None else "superseded"),
        recorded_at=day(since),
        superseded_at=None if until is None else day(until),
        evidence=tuple((turn_id, TURNS[turn_id].content) for turn_id in turn_ids),
    )


RIGHT = (row(LISBON, "t1", until=3), row(TEA, "t2", "t4"), row(PORTO, "t3", since=3))


def wrong(*rows: FactRow, gold: tuple[Gold, ...] = GOLD, updates: tuple[Update, ...] = (UPDATE,)) -> Counter[str]:
    return Counter(miss.figure for miss in score(rows, Expected(gold, updates, TURNS)).misses)


def test_nothing_is_wrong_with_what_is_right():
    scored = score(RIGHT, Expected(GOLD, (UPDATE,), TURNS))

    assert scored.misses == []
    assert (scored.facts, scored.kept, scored.updates) == (3, 2, 1)


def test_a_lost_fact_is_seen():
    assert wrong(*RIGHT[:2]) == {"facts_lost": 1}
    assert wrong(*RIGHT[:2], row(PORTO, "t3", status="retracted")) == {"facts_lost": 1}


def test_a_doubled_fact_is_seen():
    assert wrong(*RIGHT, row(TEA, "t4")) == {"facts_doubled": 1}


def test_a_double_that_was_replaced_twice_is_seen():
    assert wrong(*RIGHT, row(LISBON, "t1", since=2, until=3)) == {"facts_doubled": 1}


def test_a_value_that_came_back_is_no_double():
    gold = (*GOLD, Gold(text=LISBON, turn_ids=("t4",)))
    rows = (row(LISBON, "t1", until=3), row(TEA, "t2", "t4"), row(PORTO, "t3", since=3, until=4))

    assert wrong(*rows, row(LISBON, "t4", since=4), gold=gold) == {}
    # It is what came back that must be current, and there is no update to measure.
    assert wrong(*rows, row(LISBON, "t4", since=4, until=5), gold=gold) == {"wrongly_superseded": 1}
    assert Expected(gold, (UPDATE,), TURNS).updates == []


def test_wrong_evidence_is_seen():
    other_turn = row(PORTO, "t3", "t2", since=3)
    other_words = FactRow(text=PORTO, status="current", recorded_at=day(3), evidence=(("t3", "I love Porto"),))
    none = row(PORTO, since=3)

    assert wrong(*RIGHT[:2], other_turn) == {"evidence_wrong": 1}
    assert wrong(*RIGHT[:2], other_words) == {"evidence_wrong": 1}
    assert wrong(*RIGHT[:2], none) == {"evidence_wrong": 1, "evidence_missing": 1}


def test_evidence_of_a_repetition_that_is_missing_is_seen():
    assert wrong(RIGHT[0], row(TEA, "t2"), RIGHT[2]) == {"evidence_missing": 1}


def test_a_stale_value_is_seen():
    assert wrong(row(LISBON, "t1"), *RIGHT[1:]) == {"stale_current": 1}


def test_what_is_superseded_without_reason_is_seen():
    assert wrong(RIGHT[0], row(TEA, "t2", "t4", until=4), RIGHT[2]) == {"wrongly_superseded": 1}


def test_the_new_value_must_not_go_instead_of_the_old_one():
    assert wrong(row(LISBON, "t1"), RIGHT[1], row(PORTO, "t3", since=3, until=4)) == {
        "stale_current": 1,
        "wrongly_superseded": 1,
    }


def test_a_fact_that_is_no_gold_is_seen():
    assert wrong(*RIGHT, row("Ana likes tea and coffee.", "t2")) == {"facts_unknown": 1}


def test_scores_add_up():
    total = Score()
    for _ in range(2):
        total.add(score(RIGHT[1:], Expected(GOLD, (UPDATE,), TURNS)))

    assert (total.facts, total.kept, total.updates, total.count("facts_lost")) == (6, 4, 2, 2)
