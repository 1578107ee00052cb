"""Any interleaving of what may happen to a user's batches keeps the invariants: the stages, in this process, on the
real database, with crashes (a lease is left behind), redeliveries and lapsed leases in between."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from afterturn.hot import keys
from api_shim import MemoryClient
from tests.chaos import conversation
from tests.conftest import empty
from tests.llm_server import LLMServer, prompt
from tests.pipeline import Pipeline

USERS = ("ana", "ben")
SESSIONS = ("home", "work")
STAGES = ("extract", "embed", "consolidate")
TEXTS = ("I live in Porto.", "I live in Rome.", "I own a cat.", "I own a boat.", "I like tea.", "I work as a nurse.")

_WRONG: dict[str, str] = {
    "positions are dense": "SELECT session_id FROM turns GROUP BY user_id, session_id HAVING max(position) <> count(*)",
    "turns are unique": "SELECT turn_id FROM turns GROUP BY user_id, session_id, turn_id HAVING count(*) > 1",
    "facts derive from applied batches": "SELECT f.fact_id FROM facts f JOIN batches b USING (user_id, batch_id) "
    "WHERE b.state <> 'applied'",
    "applied in order": "SELECT b.batch_id FROM batches b JOIN batches lower ON lower.user_id = b.user_id "
    "AND lower.user_seq < b.user_seq WHERE b.state = 'applied' AND lower.state IN ('pending', 'extracted')",
    "no fact without evidence": "SELECT fact_id FROM facts f WHERE status <> 'retracted' AND NOT EXISTS "
    "(SELECT FROM evidence e WHERE e.user_id = f.user_id AND e.fact_id = f.fact_id)",
    "evidence is in its turn": "SELECT quote FROM evidence e JOIN turns t USING (user_id, session_id, position) "
    "WHERE position(e.quote IN t.content) = 0",
    "one current value": "SELECT subject FROM facts WHERE status = 'current' AND attribute = 'lives_in' "
    "GROUP BY user_id, subject HAVING count(*) > 1",
    "each applied batch has its episode once": "SELECT batch_id FROM episodes GROUP BY user_id, batch_id "
    "HAVING count(*) > 1",
    "every applied fact can be found": "SELECT fact_id FROM facts f WHERE status = 'current' AND NOT EXISTS "
    "(SELECT FROM vectors v WHERE v.user_id = f.user_id AND v.kind = 'fact' AND v.item = f.fact_id::text)",
    "what is summarized was applied": "SELECT session_id FROM sessions WHERE summarized_through > applied_through",
    "batches do not overlap": "SELECT a.batch_id FROM batches a JOIN batches b ON a.user_id = b.user_id "
    "AND a.session_id = b.session_id AND a.batch_id <> b.batch_id "
    "AND a.first_position <= b.last_position AND b.first_position <= a.last_position",
}


class Memory(RuleBasedStateMachine):
    """Two users, two sessions each; every rule is something that may happen at any time."""

    #: Set by the test.
    pipeline: Pipeline
    llm: LLMServer
    database: Any

    def __init__(self) -> None:
        super().__init__()
        empty(self.pipeline.settings)
        self.pipeline.hints.waiting.clear()
        self.llm.forget()
        self.written: dict[tuple[str, str], list[str]] = {}
        self.said: list[tuple[str, tuple[Any, ...]]] = []

    # What agents do.

    @rule(
        user=st.sampled_from(USERS),
        session=st.sampled_from(SESSIONS),
        texts=st.lists(st.sampled_from(TEXTS), min_size=1, max_size=4),
    )
    def write(self, user: str, session: str, texts: list[str]) -> None:
        turns = self.written.setdefault((user, session), [])
        for text in texts:
            turn_id = f"{session}-{len(turns)}"
            self._client(user, session).write("user", text, turn_id=turn_id, name=user.title())
            turns.append(turn_id)

    @precondition(lambda self: self.written)
    @rule(data=st.data())
    def write_again(self, data: st.DataObject) -> None:
        user, session = data.draw(st.sampled_from(sorted(self.written)))
        turn_id = data.draw(st.sampled_from(self.written[(user, session)]))
        self._client(user, session).write("user", "the same turn once more", turn_id=turn_id, name=user.title())

    @precondition(lambda self: self.written)
    @rule(data=st.data())
    def flush(self, data: st.DataObject) -> None:
        self._client(*data.draw(st.sampled_from(sorted(self.written)))).flush()

    # What the clock, the broker and the workers do.

    @rule()
    def sweep(self) -> None:
        self.pipeline.sweep()

    @precondition(lambda self: self.pipeline.hints.waiting)
    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        waiting = self.pipeline.hints.waiting
        place = data.draw(st.integers(0, len(waiting) - 1))
        stage, arguments = waiting[place]
        del waiting[place]
        self.said.append((stage, arguments))
        self.pipeline.do(stage, *arguments)

    @precondition(lambda self: self.said)
    @rule(data=st.data())
    def deliver_again(self, data: st.DataObject) -> None:
        stage, arguments = data.draw(st.sampled_from(self.said))
        self.pipeline.do(stage, *arguments)

    @rule()
    def lose_all_messages(self) -> None:
        self.pipeline.hints.waiting.clear()

    @precondition(lambda self: self.written)
    @rule()
    def archive(self) -> None:
        self.pipeline.do("archive", [["default", user, session] for user, session in self.written])

    @precondition(lambda self: self._batches())
    @rule(data=st.data())
    def work_on_any_batch(self, data: st.DataObject) -> None:
        user, batch = data.draw(st.sampled_from(self._batches()))
        for stage in STAGES:
            self.pipeline.do(stage, "default", user, batch)

    @precondition(lambda self: self._batches())
    @rule(data=st.data(), stage=st.sampled_from(STAGES))
    def run_any_stage(self, data: st.DataObject, stage: str) -> None:
        user, batch = data.draw(st.sampled_from(self._batches()))
        self.pipeline.do(stage, "default", user, batch)

    # What goes wrong.

    @precondition(lambda self: self._batches())
    @rule(data=st.data())
    def die_with_a_lease(self, data: st.DataObject) -> None:
        user, batch = data.draw(st.sampled_from(self._batches()))
        self.database.execute(
            "INSERT INTO leases VALUES ('default', %s, 'batch', %s, nextval('lease_tokens'), 'dead', "
            "now() + interval '1 hour', now() + interval '1 hour') ON CONFLICT DO NOTHING",
            (user, batch),
        )

    @rule()
    def leases_lapse(self) -> None:
        self.database.execute("UPDATE leases SET until = now() - interval '1 second'")

    @rule()
    def time_passes(self) -> None:
        self.database.execute("UPDATE batches SET hinted_at = now() - interval '1 hour', paused_until = NULL")
        self.database.execute("UPDATE sessions SET summary_hinted_at = NULL")

    @rule(what=st.sampled_from(["status", "truncated_json"]))
    def the_next_call_fails(self, what: str) -> None:
        self.llm.heal()
        self.llm.fail(what, on="extract", count=1)

    @rule()
    def due_entries_are_lost(self) -> None:
        for shard in range(keys.SHARD_COUNT):
            self.pipeline.runtime.redis.delete(keys.due(shard), keys.claims(shard))

    # What must always hold.

    @invariant()
    def nothing_is_wrong(self) -> None:
        for what, query in _WRONG.items():
            assert self.database.execute(query).fetchall() == [], what

    def teardown(self) -> None:
        """Whatever has happened: when it heals, everything that was written is there, once, in order."""
        self.llm.heal()
        self.leases_lapse()
        for user, session in self.written:
            self._client(user, session).flush()
        for _ in range(4):
            self.time_passes()
            self.pipeline.runtime.redis.delete(keys.breaker("llm"), *map(keys.claims, range(keys.SHARD_COUNT)))
            self.pipeline.settle()
        self.nothing_is_wrong()
        for (user, session), turn_ids in self.written.items():
            rows = self.database.execute(
                "SELECT turn_id FROM turns WHERE user_id = %s AND session_id = %s ORDER BY position", (user, session)
            ).fetchall()
            assert [row[0] for row in rows] == turn_ids
        left = self.database.execute("SELECT state, reason FROM batches WHERE state <> 'applied'").fetchall()
        assert left == []
        assert (
            self.database.execute("SELECT 1 FROM sessions WHERE summarized_through < applied_through").fetchall() == []
        )
        self._answers_were_asked_for_once()

    def _answers_were_asked_for_once(self) -> None:
        """Each call was answered and stored, failed, or was the repair of what could not be used."""
        asked = [prompt.shown_turns(call.json)[0].at for call in self.llm.calls("extract") if not call.faults]
        stored = self.database.execute("SELECT count(*) FROM answers").fetchone()[0]
        garbled = sum("truncated_json" in call.faults for call in self.llm.calls("extract"))
        assert len(asked) + garbled == stored

    def _client(self, user: str, session: str) -> MemoryClient:
        return MemoryClient(user, session, settings=self.pipeline.settings)

    def _batches(self) -> list[tuple[str, str]]:
        rows = self.database.execute(
            "SELECT user_id, batch_id::text FROM batches ORDER BY user_id, user_seq"
        ).fetchall()
        return [tuple(row) for row in rows]


@pytest.fixture
def machine(settings, database, hot_store):
    llm = LLMServer(answer=conversation.answer)
    llm.start()
    given = settings.model_dump(exclude_unset=True) | {
        "llm_base_url": llm.base_url,
        "llm_api_key": "test",
        "batch_turns": 2,
        "batch_idle_seconds": 3600.0,
        "retry_seconds": 0.05,
        "attempts": 50,
    }
    with Pipeline(type(settings)(**given)) as pipeline:
        yield type("MemoryOfThisRun", (Memory,), {"pipeline": pipeline, "llm": llm, "database": database})
    llm.stop()


def _run(machine, *, examples: int, steps: int) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_any_interleaving(machine):
    _run(machine, examples=8, steps=25)


@pytest.mark.chaos
def test_many_interleavings(machine):
    _run(machine, examples=150, steps=60)
