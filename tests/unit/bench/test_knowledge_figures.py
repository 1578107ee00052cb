"""The figures of bench.knowledge, and when a bound is broken."""

from datetime import UTC, datetime

import pytest

from bench import knowledge, knowledge_offline
from bench.data.conversation import Conversation, SaidTurn, Session
from bench.knowledge import RUNS
from bench.knowledge_offline import Agreement
from bench.knowledge_run import Result
from bench.knowledge_score import Miss, Score

BEGIN = datetime(2023, 5, 7, tzinfo=UTC)
JUDGED, RULES_ONLY, INJECTED = RUNS


def result(*figures: str) -> Result:
    misses = [Miss(figure=figure, text="Ana lives in Lisbon.") for figure in figures]
    return Result(score=Score(facts=100, kept=50, updates=25, misses=misses), turns=200, judge_calls=4, judged_pairs=10)


def test_shares_are_of_what_could_be_wrong():
    figures = knowledge.figures_of(result("stale_current", "wrongly_superseded", "facts_lost"))

    assert (figures["stale_current"], figures["wrongly_superseded"], figures["facts_lost"]) == (1 / 25, 1 / 50, 1)
    assert (figures["judge_calls_per_100_turns"], figures["pairs_per_call"]) == (2, 2.5)


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("figure", ["facts_lost", "facts_doubled", "evidence_wrong"])
def test_nothing_may_be_lost_doubled_or_without_evidence(run, figure):
    assert run.broken(knowledge.figures_of(result())) == []
    assert run.broken(knowledge.figures_of(result(figure))) == [figure]


@pytest.mark.parametrize("figure", ["stale_current", "wrongly_superseded"])
def test_without_a_judge_what_is_current_is_only_reported(figure):
    figures = knowledge.figures_of(result(figure))

    assert JUDGED.broken(figures) == INJECTED.broken(figures) == [figure]
    assert RULES_ONLY.broken(figures) == []


def test_a_run_without_turns_or_updates_has_figures_too():
    assert knowledge.figures_of(Result())["stale_current"] == 0


def test_recall_and_precision_are_of_one_session():
    places = {"a": [1.0, 0.0], "b": [0.0, 1.0], "a, nearly": [0.8, 0.6], "neither": [-1.0, 0.0]}
    agreement = Agreement(lambda texts: [places[text] for text in texts])

    agreement.add({"s1": ["a, nearly", "neither"], "s2": ["a"]}, {"s1": ["a", "b"], "s3": ["a"]})

    # "a, nearly" is near to both (0.8 and 0.6); what another session says counts for nothing.
    assert agreement.figures("x") == {"recall_x": pytest.approx(200 / 3), "precision_x": pytest.approx(100 / 3)}


def test_better_is_better_in_both():
    good = {f"{what}_{name}": 60.0 for what in ("recall", "precision") for name in ("named", "unnamed")}
    baseline = {"recall_of_sentences": 50.0, "precision_of_sentences": 20.0}

    assert knowledge_offline.is_better(good | baseline)
    assert not knowledge_offline.is_better(good | baseline | {"precision_named": 20.0})
    assert not knowledge_offline.is_better(good | baseline | {"recall_unnamed": 40.0})


def test_the_control_adds_nothing_but_the_name():
    turns = (
        SaidTurn(turn_id="t1", role="user", content="I swim. I read!", at=BEGIN),
        SaidTurn(turn_id="t2", role="assistant", content="Good.", at=BEGIN),
    )
    made_up = Session(session_id="opening", turns=turns, is_made_up=True)
    held = Session(session_id="s1", turns=turns)
    conversation = Conversation(user_id="ana", user_name="Ana Sol", sessions=(made_up, held), gold=())

    assert knowledge_offline.sentences(conversation) == {"s1": ["I swim.", "I read!"]}
    assert knowledge_offline.sentences(conversation, "Ana Sol") == {"s1": ["Ana Sol: I swim.", "Ana Sol: I read!"]}
