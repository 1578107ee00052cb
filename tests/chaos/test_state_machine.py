"""Any interleaving of what may happen to a user's batches keeps the invariants: the stages, in this process, on the
real database, with crashes (a lease is left behind), redeliveries and lapsed leases in between."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from psycopg.sql import SQL, Identifier

from afterturn.errors import TurnIdUsed
from afterturn.extraction.batch_extraction import EMPTY_ANSWER
from afterturn.extraction.endpoint_check import CHECKED_TURN
from afterturn.forgetting import erasures
from afterturn.hot import keys
from afterturn.scopes import UserScope
from api_shim import MemoryClient
from harness import servers
from harness.chaos import conversation
from harness.llm_server import LLMServer
from harness.pipeline import Pipeline

USERS = ("ana", "ben")
SESSIONS = ("home", "work")
STAGES = ("extract", "embed", "judge", "consolidate")
TEXTS = ("I live in Porto.", "I live in Rome.", "I own a cat.", "I own a boat.", "I like tea.", "I work as a nurse.")

users, sessions, numbers = st.sampled_from(USERS), st.sampled_from(SESSIONS), st.integers(0, 100)

_WRONG: dict[str, str] = {
    "positions are dense": "SELECT session_id FROM turns GROUP BY user_id, session_id HAVING max(position) <> count(*)",
    "turns are unique": "SELECT turn_id FROM turns GROUP BY user_id, session_id, turn_id HAVING count(*) > 1",
    "facts derive from applied batches": "SELECT f.fact_id FROM facts f JOIN batches b USING (user_id, batch_id) "
    "WHERE b.state <> 'applied'",
    "applied in order": "SELECT b.batch_id FROM batches b JOIN batches lower ON lower.user_id = b.user_id "
    "AND lower.user_seq < b.user_seq WHERE b.state = 'applied' AND lower.state IN ('pending', 'extracted')",
    "no fact without evidence": "SELECT fact_id FROM facts f WHERE status <> 'retracted' AND NOT EXISTS "
    "(SELECT FROM evidence e WHERE e.user_id = f.user_id AND e.fact_id = f.fact_id)",
    "no current fact rests on removed turns alone": "SELECT fact_id FROM facts f WHERE status = 'current' "
    "AND NOT EXISTS (SELECT FROM evidence e JOIN turns t USING (user_id, session_id, position) "
    "WHERE e.user_id = f.user_id AND e.fact_id = f.fact_id AND t.removed_at IS NULL)",
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
        servers.empty(self.pipeline.settings)
        self.pipeline.hints.waiting.clear()
        self.llm.forget()
        self.written: dict[tuple[str, str], list[str]] = {}
        self.removed: set[tuple[str, str, str]] = set()
        self.said: list[tuple[str, tuple[Any, ...]]] = []
        #: Until something drops stored answers.
        self.is_answered_once = True

    @initialize(texts=st.lists(st.sampled_from(TEXTS), min_size=5, max_size=5))
    def a_conversation_is_on_its_way(self, texts: list[str]) -> None:
        self.write("ana", "home", texts[:3])
        self.write("ana", "work", texts[3:])
        self._client("ana", "home").flush()
        self.archive()

    # What agents do. Numbers are drawn and counted off, so that what is drawn depends on nothing but what was drawn.

    @rule(user=users, session=sessions, texts=st.lists(st.sampled_from(TEXTS), min_size=1, max_size=4))
    def write(self, user: str, session: str, texts: list[str]) -> None:
        turns = self.written.setdefault((user, session), [])
        for text in texts:
            turn_id = f"{session}-{len(turns)}"
            self._client(user, session).write("user", text, turn_id=turn_id, name=user.title())
            turns.append(turn_id)

    @rule(user=users, session=sessions, number=numbers)
    def write_again(self, user: str, session: str, number: int) -> None:
        for turn_id in self._one_of(self.written.get((user, session), []), number):
            with suppress(TurnIdUsed):
                self._client(user, session).write("user", "another turn", turn_id=turn_id, name=user.title())

    @rule(user=users, session=sessions)
    def flush(self, user: str, session: str) -> None:
        self._client(user, session).flush()

    @rule(user=users, session=sessions, number=numbers)
    def remove(self, user: str, session: str, number: int) -> None:
        for turn_id in self._one_of(self.written.get((user, session), []), number):
            self._client(user, session).remove(turn_id)
            self.removed.add((user, session, turn_id))
            self.is_answered_once = False

    @rule(user=users)
    def forget(self, user: str) -> None:
        erasures.forget(self.pipeline.runtime, UserScope("default", user))
        for session in SESSIONS:
            self.written.pop((user, session), None)
        self.removed = {gone for gone in self.removed if gone[0] != user}
        self.is_answered_once = False
        self._nothing_is_left_of(user)

    # What the clock, the broker and the workers do.

    @rule()
    def sweep(self) -> None:
        self.pipeline.sweep()

    @rule(number=numbers)
    def deliver(self, number: int) -> None:
        waiting = self.pipeline.hints.waiting
        for stage, arguments in self._one_of(list(waiting), number):
            waiting.remove((stage, arguments))
            self.said.append((stage, arguments))
            self.pipeline.do(stage, *arguments)

    @rule(number=numbers)
    def deliver_again(self, number: int) -> None:
        for stage, arguments in self._one_of(self.said, number):
            self.pipeline.do(stage, *arguments)

    @rule()
    def lose_all_messages(self) -> None:
        self.pipeline.hints.waiting.clear()

    @rule()
    def archive(self) -> None:
        self.pipeline.do("archive", [["default", user, session] for user in USERS for session in SESSIONS])

    @rule(number=numbers)
    def work_on_any_batch(self, number: int) -> None:
        for user, batch in self._one_of(self._batches(), number):
            for stage in STAGES:
                self.pipeline.do(stage, "default", user, batch)

    @rule(number=numbers, stage=st.sampled_from(STAGES))
    def run_any_stage(self, number: int, stage: str) -> None:
        for user, batch in self._one_of(self._batches(), number):
            self.pipeline.do(stage, "default", user, batch)

    @rule(user=users, session=sessions)
    def summarize(self, user: str, session: str) -> None:
        self.pipeline.do("summarize", "default", user, session)

    # What goes wrong.

    @rule(number=numbers)
    def die_with_a_lease(self, number: int) -> None:
        for user, batch in self._one_of(self._batches(), number):
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
                "SELECT turn_id, removed_at IS NOT NULL FROM turns WHERE user_id = %s AND session_id = %s "
                "ORDER BY position",
                (user, session),
            ).fetchall()
            assert rows == [(turn_id, (user, session, turn_id) in self.removed) for turn_id in turn_ids]
        left = self.database.execute("SELECT state, reason FROM batches WHERE state <> 'applied'").fetchall()
        assert left == []
        owed = self.database.execute("SELECT 1 FROM sessions WHERE summarized_through < applied_through").fetchall()
        assert owed == []
        self._answers_were_asked_for_once()

    def _answers_were_asked_for_once(self) -> None:
        """Each answer that came is stored, a repaired one beside its repair. (Undo and forgetting drop answers.)

        Nobody is asked about turns that were all taken back: what is stored of them came from no call. A check of the
        endpoint is about a made-up turn, and its answer is not stored.
        """
        calls = [call for call in self.llm.calls("extract") if CHECKED_TURN.content.encode() not in call.body]
        came = sum("status" not in call.faults for call in calls)
        [(stored,)] = self.database.execute(
            "SELECT count(*) FROM answers WHERE answer IS DISTINCT FROM %s", (EMPTY_ANSWER,)
        ).fetchall()
        assert came == stored if self.is_answered_once else came >= stored

    def _nothing_is_left_of(self, user: str) -> None:
        tables = self.database.execute(
            "SELECT table_name FROM information_schema.columns "
            "WHERE column_name = 'user_id' AND table_schema = 'public'"
        ).fetchall()
        for (table,) in tables:
            query = SQL("SELECT 1 FROM {} WHERE user_id = %s").format(Identifier(table))
            assert self.database.execute(query, (user,)).fetchall() == [], table
        assert list(self.pipeline.runtime.redis.scan_iter(f"*:default:{user}*")) == []

    def _one_of(self, choices: Sequence[Any], number: int) -> list[Any]:
        """Return the choice that the number falls on, as a list of one; of none where there is none."""
        return [choices[number % len(choices)]] if choices else []

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
    _run(machine, examples=12, steps=30)


@pytest.mark.chaos
def test_many_interleavings(machine):
    _run(machine, examples=150, steps=60)
