"""Plans, driven by hand: what each call reads, in which order, and what it does when a server is away."""

import json
import logging

import pytest

from afterturn.client import plans
from afterturn.client.effects import ReadPostgres, Send, Wait
from afterturn.context.context import ContextRequest
from afterturn.errors import FlushTimeout, InvalidId, InvalidInput, MemoryUnavailable, ModelUnavailable
from tests.unit.client.driven import AWAY, Driven, NoEmbedder, pending, session


def redis_holds(*contents, hidden=()):
    """Return answers of a Redis that has these pending turns, and their ids."""
    rows, ids = pending(*contents)

    def answer(effect):
        return [rows, [], list(hidden)] if len(effect.commands) == 3 else [list(hidden)]

    return answer, ids


def steps_with(*answers):
    """Return a Postgres that gives these answers to what a plan's steps ask for, one after the other."""

    def take(effect):
        next(effect.steps)
        try:
            for answer in answers:
                effect.steps.send(answer)
        except StopIteration as end:
            return end.value
        raise AssertionError("the steps ask for more")

    return take


def test_history_asks_redis_and_no_postgres_where_redis_has_enough():
    in_redis, ids = redis_holds("one", "two", "three")
    driven = Driven(ReadRedis=in_redis)
    turns = driven.run(plans.history.history(session(), 2))
    assert [turn.turn_id for turn in turns] == ids[1:]
    [effect] = driven.effects
    assert [command[0] for command in effect.commands] == ["XREVRANGE", "LRANGE", "HKEYS"]


def test_history_reads_further_back_where_marks_fill_the_stream():
    rows, ids = pending(*(f"turn {number}" for number in range(30)))
    counts = []

    def answer(effect):
        counts.append(effect.commands[0][-1])
        # The newest entries are marks: as many as are read at first.
        marks = [
            (b"1800000000000-%d" % n, {b"i": b"m%d" % n, b"d": b'{"v":1,"id":"m","mark":"flush"}'}) for n in range(18)
        ]
        return [(marks + rows)[: counts[-1]], [], []]

    turns = Driven(ReadRedis=answer).run(plans.history.history(session(), 2))
    assert [turn.turn_id for turn in turns] == ids[-2:]
    assert counts == [18, 72]


def test_history_with_postgres_away_is_what_redis_has(caplog):
    in_redis, ids = redis_holds("one")
    driven = Driven(ReadRedis=in_redis, ReadPostgres=AWAY)
    with caplog.at_level(logging.WARNING, "afterturn.client"):
        assert [turn.turn_id for turn in driven.run(plans.history.history(session(), 5))] == ids
    assert driven.asked == ["ReadRedis", "ReadPostgres"]
    assert "Postgres is away" in caplog.text
    empty, _ = redis_holds()
    with pytest.raises(MemoryUnavailable):
        Driven(ReadRedis=empty, ReadPostgres=AWAY).run(plans.history.history(session(), 5))


def test_recall_with_postgres_away_searches_what_redis_has(caplog):
    in_redis, [_, porto] = redis_holds("It rains.", "I live in Porto.")
    driven = Driven(
        ReadRedis=in_redis, GetEmbedder=lambda _: NoEmbedder(), Embed=lambda _: [1.0, 0.0], ReadPostgres=AWAY
    )
    with caplog.at_level(logging.WARNING, "afterturn.client"):
        found = driven.run(plans.recall.recall(session(), "Where is Porto?", 5))
    assert [memory.memory_id for memory in found] == [porto]
    assert driven.asked == ["ReadRedis", "GetEmbedder", "Embed", "ReadPostgres"]
    assert "recall searches only what Redis has" in caplog.text


def test_recall_with_both_away_is_an_error():
    with pytest.raises(MemoryUnavailable):
        Driven(ReadRedis=AWAY).run(plans.recall.recall(session(), "Porto", 5))
    nothing, _ = redis_holds()
    away = Driven(ReadRedis=nothing, GetEmbedder=lambda _: NoEmbedder(), Embed=lambda _: None, ReadPostgres=AWAY)
    with pytest.raises(MemoryUnavailable):
        away.run(plans.recall.recall(session(), "Porto", 5))


def test_recall_goes_by_words_where_the_embedder_fails(caplog):
    in_redis, _ = redis_holds()
    vectors = []

    def read(effect):
        statements = next(effect.steps)
        vectors.append(statements[0].arguments["vector"])
        effect.steps.close()
        return []

    driven = Driven(
        ReadRedis=in_redis,
        GetEmbedder=lambda _: NoEmbedder(),
        Embed=ModelUnavailable("the endpoint hung up"),
        ReadPostgres=read,
    )
    assert driven.run(plans.recall.recall(session(), "Porto", 5)) == []
    assert vectors == [None]
    assert "recall goes by words alone: the endpoint hung up" in caplog.text


def test_recall_reads_which_space_serves_before_it_embeds():
    class Unsure(NoEmbedder):
        needs_space = True

        def use(self, rows):
            self.rows = rows

    embedder, in_redis = Unsure(), redis_holds()[0]
    answers = iter([steps_with([[{"space_id": 7}]]), lambda effect: effect.steps.close() or []])
    driven = Driven(
        ReadRedis=in_redis,
        GetEmbedder=lambda _: embedder,
        Embed=lambda _: None,
        ReadPostgres=lambda effect: next(answers)(effect),
    )
    driven.run(plans.recall.recall(session(), "Porto", 5))
    assert driven.asked == ["ReadRedis", "GetEmbedder", "ReadPostgres", "Embed", "ReadPostgres"]
    assert embedder.rows == [{"space_id": 7}]


def test_all_that_recall_ranks_is_read_in_binary():
    in_redis, _ = redis_holds()
    seen = []

    def read(effect):
        seen.extend(next(effect.steps))
        effect.steps.close()
        return []

    driven = Driven(ReadRedis=in_redis, GetEmbedder=lambda _: NoEmbedder(), Embed=lambda _: None, ReadPostgres=read)
    driven.run(plans.recall.recall(session(), "Porto", 5))
    assert [statement.is_binary for statement in seen[:-1]] == [True] * (len(seen) - 1)


def test_the_newest_turns_need_no_embedder():
    in_redis, ids = redis_holds("one", "two")
    driven = Driven(ReadRedis=in_redis, ReadPostgres=steps_with([[]]))
    assert [memory.memory_id for memory in driven.run(plans.recall.recall(session(), None, 5))] == ids[::-1]
    assert driven.asked == ["ReadRedis", "ReadPostgres"]


@pytest.mark.parametrize(
    "plan",
    [
        lambda: plans.recall.recall(session(), 7, 5),
        lambda: plans.recall.recall(session(), "Porto", 0),
        lambda: plans.recall.recall(session(), "Porto", 5, order="newest"),
        lambda: plans.recall.recall(session(), None, 5, min_score=0.5),
        lambda: plans.history.history(session(), 1_001),
        lambda: plans.facts.facts(session(), limit=0),
        lambda: plans.facts.fact_history(session(), "none"),
        lambda: plans.edits.add_fact(session(), ""),
        lambda: plans.edits.correct_fact(session(), "none", "text"),
        lambda: plans.removal.remove(session(), "\n"),
        lambda: plans.costs.costs(session(), by="phase", days=1),
        lambda: plans.preferences.set_preference(session(), "colour", "", edit_id=None),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(plan):
    driven = Driven(ReadRedis=redis_holds()[0], ReadPostgres=steps_with([[]]))
    with pytest.raises((InvalidInput, InvalidId)):
        driven.run(plan())
    assert driven.of(Send) == []


def test_a_context_with_postgres_away_has_the_turns_that_redis_has(caplog):
    in_redis, _ = redis_holds("I live in Porto.")
    driven = Driven(ReadRedis=in_redis, ReadPostgres=AWAY, AskProviders=lambda _: [])
    made = driven.run(plans.context.context(session(), "Where do I live?", ContextRequest(token_budget=500)))
    assert [message["content"] for message in made.messages] == ["I live in Porto."]
    # What is away is asked once: nothing is recalled then.
    assert driven.asked == ["ReadRedis", "ReadPostgres", "AskProviders"]
    assert "the context holds only what was read before" in caplog.text


def test_facts_ask_for_evidence_in_the_same_transaction_and_leave_out_what_is_hidden():
    asked = []

    def read(effect):
        asked.append(next(effect.steps))
        asked.append(effect.steps.send([[]]))
        try:
            effect.steps.send([[]])
        except StopIteration as end:
            return end.value
        raise AssertionError

    driven = Driven(ReadRedis=redis_holds()[0], ReadPostgres=read)
    assert driven.run(plans.facts.facts(session(), limit=5)) == []
    assert driven.asked == ["ReadRedis", "ReadPostgres"]
    assert [len(statements) for statements in asked] == [1, 1]


def test_a_flush_without_waiting_is_one_call():
    driven = Driven(Send=lambda _: 0)
    driven.run(plans.flush.flush(session(), None))
    [sent] = driven.of(Send)
    assert json.loads(sent.arguments[2])["mark"] == "flush"


def test_a_flush_waits_until_all_is_settled():
    settled = iter([False, False, True])
    driven = Driven(
        Send=lambda _: 0,
        ReadRedis=lambda effect: [0],
        ReadPostgres=lambda effect: steps_with([[{"is_settled": next(settled)}]])(effect),
        Wait=lambda _: None,
    )
    driven.run(plans.flush.flush(session(), 60))
    assert len(driven.of(Wait)) == 2
    assert driven.asked == ["Send", *["ReadRedis", "ReadPostgres", "Wait"] * 2, "ReadRedis", "ReadPostgres"]


def test_a_flush_gives_up_in_time_and_asks_no_postgres_while_redis_has_something():
    driven = Driven(Send=lambda _: 0, ReadRedis=lambda effect: [1], Wait=lambda _: None)
    with pytest.raises(FlushTimeout):
        driven.run(plans.flush.flush(session(), -1))
    assert driven.of(ReadPostgres) == []


def test_pop_takes_back_the_newest_turn():
    in_redis, ids = redis_holds("one", "two")
    driven = Driven(ReadRedis=in_redis, Send=lambda _: 0)
    assert driven.run(plans.removal.pop(session())).turn_id == ids[1]
    [sent] = driven.of(Send)
    assert sent.arguments[0] == f"chat:{ids[1]}".encode()
    nothing = Driven(ReadRedis=redis_holds()[0], ReadPostgres=steps_with([[]]))
    assert nothing.run(plans.removal.pop(session())) is None


def test_a_preference_is_added_where_there_is_none():
    answers = iter([[{"display_name": "Ana"}], []])
    driven = Driven(ReadPostgres=lambda effect: steps_with([next(answers)])(effect), Send=lambda _: 0)
    driven.run(plans.preferences.set_preference(session(), "colour", "green", edit_id="e-1"))
    assert driven.asked == ["ReadPostgres", "ReadPostgres", "Send"]
    [sent] = driven.of(Send)
    assert sent.arguments[1] == b"e-1"
    assert json.loads(sent.arguments[2])["content"] == "Ana's preference for colour: green"


def test_no_fact_is_no_call():
    assert Driven().run(plans.edits.add_facts(session(), [], edit_id=None)) == []


def test_a_send_warns_when_the_archive_falls_behind(caplog):
    mine = session()
    limit = mine.settings.pending_limit_bytes_per_shard
    driven = Driven(Send=lambda _: limit)
    for _ in range(3):
        driven.run(plans.flush.flush(mine, None))
    assert caplog.text.count("wait for the archive") == 1


def test_every_plan_module_is_importable_by_name():
    plans.import_all()
    for name in plans.__all__:
        assert getattr(plans, name).__name__ == f"afterturn.client.plans.{name}"
    with pytest.raises(AttributeError):
        _ = plans.nothing
