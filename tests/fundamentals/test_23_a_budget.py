"""The daily token budget: calls reserve tokens, batches become larger, then pause, and are never dropped."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from afterturn.endpoints.breaker import FAILURES_IN_A_ROW, Breaker
from afterturn.errors import BudgetExhausted
from afterturn.hot import keys
from afterturn.llm import calls
from afterturn.scopes import UserScope
from api_shim import MemoryClient
from harness.llm_server import LLMServer
from harness.pipeline import Pipeline
from harness.waiting import wait_until

pytestmark = pytest.mark.usefixtures("one_day")

#: The expected tokens of a batch with one turn are about 6,000, most of them for the longest answer.
ONE_CALL = 8_000


@pytest.fixture
def llm_server():
    with LLMServer() as server:
        yield server


@pytest.fixture
def with_budget(settings, llm_server):
    """A function that returns settings with the LLM and a number of daily tokens per user."""

    def make(tokens, **changes):
        given = {"llm_base_url": llm_server.base_url, "llm_api_key": "sk-test", "user_daily_tokens": tokens}
        return type(settings)(**settings.model_dump(exclude_unset=True) | given | changes)

    return make


def write_sessions(settings, user_id, count):
    for number in range(count):
        memory = MemoryClient(user_id, f"s{number}", settings=settings)
        memory.write("user", f"I own {number + 2} red bicycles.")


def cut_only(pipeline):
    """Archive and cut the written turns, and drop the hints to extract."""
    while any(pipeline.sweep().get(stage) for stage in ("archive", "extract")):
        while pipeline.hints.waiting:
            stage, arguments = pipeline.hints.waiting.popleft()
            if stage == "archive":
                pipeline.do(stage, *arguments)


def batch_states(database):
    return database.execute(
        "SELECT user_id, state, attempts, paused_until IS NOT NULL FROM batches ORDER BY user_id, user_seq"
    ).fetchall()


def spend(database, tokens, user_id="ana", moment="now()"):
    database.execute(
        "INSERT INTO llm_calls (tenant_id, user_id, call_id, stage, model, prompt_tokens, reserved_at, ended_at)"
        f" VALUES ('default', %s, gen_random_uuid(), 'extract', 'm', %s, {moment}, now())",
        [user_id, tokens],
    )


def test_a_call_reserves_tokens_before_it_is_made(with_budget, llm_server, hot_store, database, command):
    settings = with_budget(1_000_000)
    command.use(settings)
    write_sessions(settings, "ana", 1)
    llm_server.fail("hold", on="extract")
    with Pipeline(settings) as pipeline:
        working = threading.Thread(target=pipeline.settle)
        working.start()
        wait_until(lambda: bool(llm_server.calls("extract")), seconds=60)
        [under_way] = command.json("costs", "--user", "ana")["costs"]
        llm_server.heal()
        working.join()
    assert (under_way["calls"], under_way["unfinished_calls"], under_way["prompt_tokens"]) == (1, 1, 0)
    assert under_way["reserved_tokens"] > 4_096
    [ended] = command.json("costs", "--user", "ana", "--by", "user")["costs"]
    assert (ended["unfinished_calls"], ended["reserved_tokens"]) == (0, 0)
    assert 0 < ended["prompt_tokens"] + ended["completion_tokens"] < under_way["reserved_tokens"]


def test_a_call_reserves_the_most_tokens_that_it_may_use(with_budget, hot_store, database):
    settings = with_budget(None)
    write_sessions(settings, "ana", 3)
    with Pipeline(settings) as pipeline:
        pipeline.settle()
    rows = database.execute("SELECT reserved_tokens, prompt_tokens, completion_tokens FROM llm_calls").fetchall()
    assert rows
    assert all(prompt + completion < reserved for reserved, prompt, completion in rows)


def test_concurrent_workers_do_not_exceed_the_budget(with_budget, llm_server, hot_store, database):
    settings = with_budget(ONE_CALL)
    write_sessions(settings, "ana", 6)
    llm_server.fail("hold", on="extract")
    with Pipeline(settings) as pipeline, ThreadPoolExecutor(6) as workers:
        cut_only(pipeline)
        batches = [str(row[0]) for row in database.execute("SELECT batch_id FROM batches").fetchall()]
        results = [workers.submit(pipeline.do, "extract", "default", "ana", batch) for batch in batches]
        wait_until(lambda: sum(state[3] for state in batch_states(database)) >= 5, seconds=60)
        llm_server.heal()
        assert sorted(result.result() for result in results) == [False] * 5 + [True]
    assert len(llm_server.calls("extract")) == 1


def test_with_an_exhausted_budget_batches_pause_until_midnight_and_nothing_is_lost(
    with_budget, llm_server, hot_store, database, command
):
    settings = with_budget(ONE_CALL)
    command.use(settings)
    spend(database, 5_000)
    write_sessions(settings, "ana", 3)
    write_sessions(settings, "ben", 3)
    with Pipeline(settings.model_copy(update={"user_daily_tokens": 20_000})) as rich, Pipeline(settings) as pipeline:
        cut_only(pipeline)
        pipeline.settle()
        # Ben's calls were made until his budget was exhausted. All batches of ana wait.
        states = batch_states(database)
        assert [state for state in states if state[0] == "ana"] == [("ana", "pending", 0, True)] * 3
        assert ("ben", "applied", 0, False) in states
        [(until,)] = database.execute("SELECT DISTINCT paused_until FROM batches WHERE user_id = 'ana'").fetchall()
        assert (until.astimezone(UTC).time(), until > datetime.now(UTC)) == (datetime.min.time(), True)
        # The pause is visible for all and for the user. Recall still finds the turns.
        assert command.json("status", "--user", "ana")["paused"] == {"count": 3, "until": until.isoformat()}
        today = command.json("costs", "--user", "ana")["today"]
        assert (today["spent_tokens"], today["is_degraded"], today["paused_batches"]) == (5_000, True, 3)
        assert "paused until" in command("costs", "--user", "ana").out
        assert len(MemoryClient("ana", "s0", settings=settings).recall("bicycles")) == 3
        # The breaker of the endpoint is not affected.
        assert pipeline.runtime.llm_breaker.admit().may_call
        # A new day begins.
        database.execute(
            "UPDATE batches SET paused_until = now() - interval '1 second' WHERE paused_budget IS NOT NULL"
        )
        database.execute("UPDATE llm_calls SET reserved_at = reserved_at - interval '1 day'")
        pipeline.settle()
        assert ("ana", "applied", 0) in {state[:3] for state in batch_states(database)}
        # Batches that exceed the new day's budget too continue when the budget is raised.
        rich.settle()
    assert {state[1:3] for state in batch_states(database)} == {("applied", 0)}
    assert database.execute("SELECT user_id, count(*) FROM facts GROUP BY 1 ORDER BY 1").fetchall() == [
        ("ana", 3),
        ("ben", 3),
    ]


def test_a_higher_budget_resumes_batches_at_once_and_the_same_budget_does_not(with_budget, hot_store, database):
    settings = with_budget(ONE_CALL)
    spend(database, 5_000)
    write_sessions(settings, "ana", 2)
    with Pipeline(settings) as pipeline:
        pipeline.settle()
        pipeline.settle()
    assert [state[1] for state in batch_states(database)] == ["pending"] * 2
    with Pipeline(with_budget(100_000)) as pipeline:
        pipeline.settle()
    assert [state[1] for state in batch_states(database)] == ["applied"] * 2


def test_the_first_call_of_a_day_may_exceed_the_budget(with_budget, hot_store, database):
    settings = with_budget(1_000)
    spend(database, 900_000, moment="now() - interval '24 hours'")
    write_sessions(settings, "ana", 1)
    with Pipeline(settings) as pipeline:
        pipeline.settle()
    assert [state[1] for state in batch_states(database)] == ["applied"]


def test_a_call_whose_process_died_counts_with_all_its_reserved_tokens(with_budget, hot_store, database):
    settings = with_budget(10_000)
    write_sessions(settings, "ana", 1)
    with Pipeline(settings) as pipeline:
        cut_only(pipeline)
        runtime, user = pipeline.runtime, UserScope("default", "ana")
        with runtime.postgres.connection() as connection:
            lease = runtime.leases.claim(connection, user, "sleep", "ana")
        call = {"stage": "sleep", "model": "m", "daily_tokens": 10_000}

        class Killed(BaseException):
            pass

        with pytest.raises(BudgetExhausted), calls.reserved(runtime.postgres, lease, None, expected_tokens=0, **call):
            with pytest.raises(BudgetExhausted) as exhausted:
                database.execute("UPDATE llm_calls SET reserved_tokens = 9000")
                with calls.reserved(runtime.postgres, lease, None, expected_tokens=1_001, **call):
                    raise AssertionError("this call must not be made")
            raise exhausted.value
        assert database.execute("SELECT session_id, reserved_tokens, outcome FROM llm_calls").fetchall() == [
            (None, 9_000, "budget_exhausted")
        ]


def test_batches_are_cut_larger_while_the_budget_runs_out(with_budget, hot_store, database):
    settings = with_budget(100_000, batch_idle_seconds=3_600.0, batch_max_age_seconds=3_600.0)
    for user_id, spent in (("ana", 0), ("ben", 75_000), ("cleo", 99_000)):
        spend(database, spent, user_id)
        memory = MemoryClient(user_id, settings=settings)
        memory.write_many({"role": "user", "content": f"turn {number}"} for number in range(100))
    with Pipeline(settings) as pipeline:
        cut_only(pipeline)
    rows = database.execute(
        "SELECT user_id, array_agg(last_position - first_position + 1 ORDER BY user_seq) FROM batches GROUP BY 1"
    ).fetchall()
    assert dict(rows) == {"ana": [30] * 3, "ben": [35] * 2, "cleo": [40] * 2}
    waits = database.execute(
        "SELECT user_id, round(extract(epoch FROM cut_due_at - last_archived_at) / 300, 1)::float FROM sessions"
    ).fetchall()
    assert dict(waits) == {"ana": 1.0, "ben": 2.5, "cleo": pytest.approx(3.9, abs=0.1)}


def test_an_exhausted_budget_does_not_use_up_the_probe_of_the_breaker(hot_store):
    breaker = Breaker(hot_store, "llm", probe_seconds=60)
    for _ in range(FAILURES_IN_A_ROW):
        breaker.record_failure(None)
    hot_store.hset(keys.breaker("llm"), "open_until", 1)

    def exhaust_budget():
        raise BudgetExhausted()

    for _ in range(2):
        with pytest.raises(BudgetExhausted):
            breaker.call(exhaust_budget)
    assert breaker.admit().may_call
    assert not breaker.admit().may_call
