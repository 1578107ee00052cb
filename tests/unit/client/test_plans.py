"""Plans without I/O: what each call reads, in which order, and what it does if a server is unavailable."""

import json
import logging

import pytest

from afterturn.client import plans
from afterturn.client.effects import ReadPostgres, Send, Wait
from afterturn.context.context import ContextRequest
from afterturn.errors import FlushTimeout, InvalidId, InvalidInput, MemoryUnavailable, ModelUnavailable
from tests.unit.client.plan_runner import UNAVAILABLE, NoEmbedder, PlanRunner, pending, session


def redis_holds(*contents, hidden=()):
    """Return a function that answers as a Redis with these pending turns, and the ids of the turns."""
    rows, ids = pending(*contents)

    def answer(effect):
        return [rows, [], list(hidden)] if len(effect.commands) == 3 else [list(hidden)]

    return answer, ids


def steps_with(*answers):
    """Return a function that answers the statements of a plan's steps with these results, in order."""

    def take(effect):
        next(effect.steps)
        try:
            for answer in answers:
                effect.steps.send(answer)
        except StopIteration as end:
            return end.value
        raise AssertionError("the steps request more statements")

    return take


def test_history_reads_only_redis_if_redis_has_enough_turns():
    in_redis, ids = redis_holds("one", "two", "three")
    runner = PlanRunner(ReadRedis=in_redis)
    turns = runner.run(plans.history.history(session(), 2))
    assert [turn.turn_id for turn in turns] == ids[1:]
    [effect] = runner.effects
    assert [command[0] for command in effect.commands] == ["XREVRANGE", "LRANGE", "HKEYS"]


def test_history_reads_more_entries_if_most_entries_are_marks():
    rows, ids = pending(*(f"turn {number}" for number in range(30)))
    counts = []

    def answer(effect):
        counts.append(effect.commands[0][-1])
        # The newest entries are marks: as many as are read at first.
        marks = [
            (b"1800000000000-%d" % n, {b"i": b"m%d" % n, b"d": b'{"v":1,"id":"m","mark":"flush"}'}) for n in range(18)
        ]
        return [(marks + rows)[: counts[-1]], [], []]

    turns = PlanRunner(ReadRedis=answer).run(plans.history.history(session(), 2))
    assert [turn.turn_id for turn in turns] == ids[-2:]
    assert counts == [18, 72]


def test_history_without_postgres_returns_the_turns_in_redis(caplog):
    in_redis, ids = redis_holds("one")
    runner = PlanRunner(ReadRedis=in_redis, ReadPostgres=UNAVAILABLE)
    with caplog.at_level(logging.WARNING, "afterturn.client"):
        assert [turn.turn_id for turn in runner.run(plans.history.history(session(), 5))] == ids
    assert runner.effect_names == ["ReadRedis", "ReadPostgres"]
    assert "Postgres is unavailable" in caplog.text
    empty, _ = redis_holds()
    with pytest.raises(MemoryUnavailable):
        PlanRunner(ReadRedis=empty, ReadPostgres=UNAVAILABLE).run(plans.history.history(session(), 5))


def test_recall_without_postgres_searches_the_turns_in_redis(caplog):
    in_redis, [_, porto] = redis_holds("It rains.", "I live in Porto.")
    runner = PlanRunner(
        ReadRedis=in_redis, GetEmbedder=lambda _: NoEmbedder(), Embed=lambda _: [1.0, 0.0], ReadPostgres=UNAVAILABLE
    )
    with caplog.at_level(logging.WARNING, "afterturn.client"):
        found = runner.run(plans.recall.recall(session(), "Where is Porto?", 5))
    assert [memory.memory_id for memory in found] == [porto]
    assert runner.effect_names == ["ReadRedis", "GetEmbedder", "Embed", "ReadPostgres"]
    assert "recall searches only the turns in Redis" in caplog.text


def test_recall_without_redis_or_without_any_turn_raises_memory_unavailable():
    with pytest.raises(MemoryUnavailable):
        PlanRunner(ReadRedis=UNAVAILABLE).run(plans.recall.recall(session(), "Porto", 5))
    nothing, _ = redis_holds()
    without_postgres = PlanRunner(
        ReadRedis=nothing, GetEmbedder=lambda _: NoEmbedder(), Embed=lambda _: None, ReadPostgres=UNAVAILABLE
    )
    with pytest.raises(MemoryUnavailable):
        without_postgres.run(plans.recall.recall(session(), "Porto", 5))


def test_recall_searches_by_words_if_the_embedder_fails(caplog):
    in_redis, _ = redis_holds()
    vectors = []

    def read(effect):
        statements = next(effect.steps)
        vectors.append(statements[0].arguments["vector"])
        effect.steps.close()
        return []

    runner = PlanRunner(
        ReadRedis=in_redis,
        GetEmbedder=lambda _: NoEmbedder(),
        Embed=ModelUnavailable("the endpoint hung up"),
        ReadPostgres=read,
    )
    assert runner.run(plans.recall.recall(session(), "Porto", 5)) == []
    assert vectors == [None]
    assert "recall searches by words only, without vectors: the endpoint hung up" in caplog.text


def test_recall_reads_the_active_embedding_space_before_it_embeds():
    class NewEmbedder(NoEmbedder):
        needs_space = True

        def use(self, rows):
            self.rows = rows

    embedder, in_redis = NewEmbedder(), redis_holds()[0]
    answers = iter([steps_with([[{"space_id": 7}]]), lambda effect: effect.steps.close() or []])
    runner = PlanRunner(
        ReadRedis=in_redis,
        GetEmbedder=lambda _: embedder,
        Embed=lambda _: None,
        ReadPostgres=lambda effect: next(answers)(effect),
    )
    runner.run(plans.recall.recall(session(), "Porto", 5))
    assert runner.effect_names == ["ReadRedis", "GetEmbedder", "ReadPostgres", "Embed", "ReadPostgres"]
    assert embedder.rows == [{"space_id": 7}]


def test_recall_reads_rows_to_rank_in_binary_format():
    in_redis, _ = redis_holds()
    seen = []

    def read(effect):
        seen.extend(next(effect.steps))
        effect.steps.close()
        return []

    runner = PlanRunner(ReadRedis=in_redis, GetEmbedder=lambda _: NoEmbedder(), Embed=lambda _: None, ReadPostgres=read)
    runner.run(plans.recall.recall(session(), "Porto", 5))
    assert [statement.is_binary for statement in seen[:-1]] == [True] * (len(seen) - 1)


def test_recall_without_a_query_needs_no_embedder():
    in_redis, ids = redis_holds("one", "two")
    runner = PlanRunner(ReadRedis=in_redis, ReadPostgres=steps_with([[]]))
    assert [memory.memory_id for memory in runner.run(plans.recall.recall(session(), None, 5))] == ids[::-1]
    assert runner.effect_names == ["ReadRedis", "ReadPostgres"]


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
def test_invalid_input_is_refused_before_anything_is_written(plan):
    runner = PlanRunner(ReadRedis=redis_holds()[0], ReadPostgres=steps_with([[]]))
    with pytest.raises((InvalidInput, InvalidId)):
        runner.run(plan())
    assert runner.effects_of(Send) == []


def test_context_without_postgres_contains_the_turns_in_redis(caplog):
    in_redis, _ = redis_holds("I live in Porto.")
    runner = PlanRunner(ReadRedis=in_redis, ReadPostgres=UNAVAILABLE, AskProviders=lambda _: [])
    made = runner.run(plans.context.context(session(), "Where do I live?", ContextRequest(token_budget=500)))
    assert [message["content"] for message in made.messages] == ["I live in Porto."]
    # Postgres is tried once: after the failure nothing is recalled.
    assert runner.effect_names == ["ReadRedis", "ReadPostgres", "AskProviders"]
    assert "the context contains only what was read before" in caplog.text


def test_facts_reads_facts_and_evidence_in_one_transaction():
    requested = []

    def read(effect):
        requested.append(next(effect.steps))
        requested.append(effect.steps.send([[]]))
        try:
            effect.steps.send([[]])
        except StopIteration as end:
            return end.value
        raise AssertionError

    runner = PlanRunner(ReadRedis=redis_holds()[0], ReadPostgres=read)
    assert runner.run(plans.facts.facts(session(), limit=5)) == []
    assert runner.effect_names == ["ReadRedis", "ReadPostgres"]
    assert [len(statements) for statements in requested] == [1, 1]


def test_a_flush_without_waiting_is_one_call():
    runner = PlanRunner(Send=lambda _: 0)
    runner.run(plans.flush.flush(session(), None))
    [sent] = runner.effects_of(Send)
    assert json.loads(sent.arguments[2])["mark"] == "flush"


def test_a_flush_waits_until_no_turn_waits_for_a_stage():
    settled = iter([False, False, True])
    runner = PlanRunner(
        Send=lambda _: 0,
        ReadRedis=lambda effect: [0],
        ReadPostgres=lambda effect: steps_with([[{"is_settled": next(settled)}]])(effect),
        Wait=lambda _: None,
    )
    runner.run(plans.flush.flush(session(), 60))
    assert len(runner.effects_of(Wait)) == 2
    assert runner.effect_names == ["Send", *["ReadRedis", "ReadPostgres", "Wait"] * 2, "ReadRedis", "ReadPostgres"]


def test_a_flush_times_out_and_does_not_read_postgres_while_turns_are_pending():
    runner = PlanRunner(Send=lambda _: 0, ReadRedis=lambda effect: [1], Wait=lambda _: None)
    with pytest.raises(FlushTimeout):
        runner.run(plans.flush.flush(session(), -1))
    assert runner.effects_of(ReadPostgres) == []


def test_pop_removes_the_newest_turn():
    in_redis, ids = redis_holds("one", "two")
    runner = PlanRunner(ReadRedis=in_redis, Send=lambda _: 0)
    assert runner.run(plans.removal.pop(session())).turn_id == ids[1]
    [sent] = runner.effects_of(Send)
    assert sent.arguments[0] == f"chat:{ids[1]}".encode()
    nothing = PlanRunner(ReadRedis=redis_holds()[0], ReadPostgres=steps_with([[]]))
    assert nothing.run(plans.removal.pop(session())) is None


def test_a_new_preference_is_added_as_a_fact():
    answers = iter([[{"display_name": "Ana"}], []])
    runner = PlanRunner(ReadPostgres=lambda effect: steps_with([next(answers)])(effect), Send=lambda _: 0)
    runner.run(plans.preferences.set_preference(session(), "colour", "green", edit_id="e-1"))
    assert runner.effect_names == ["ReadPostgres", "ReadPostgres", "Send"]
    [sent] = runner.effects_of(Send)
    assert sent.arguments[1] == b"e-1"
    assert json.loads(sent.arguments[2])["content"] == "Ana's preference for colour: green"


def test_adding_no_facts_makes_no_call():
    assert PlanRunner().run(plans.edits.add_facts(session(), [], edit_id=None)) == []


def test_a_send_warns_when_the_archive_falls_behind(caplog):
    client_session = session()
    limit = client_session.settings.pending_limit_bytes_per_shard
    runner = PlanRunner(Send=lambda _: limit)
    for _ in range(3):
        runner.run(plans.flush.flush(client_session, None))
    assert caplog.text.count("wait for the archive") == 1


def test_every_plan_module_is_importable_by_name():
    plans.import_all()
    for name in plans.__all__:
        assert getattr(plans, name).__name__ == f"afterturn.client.plans.{name}"
    with pytest.raises(AttributeError):
        _ = plans.nothing
