"""Operator data is read from one place, and asyncio reads the same as synchronous code."""

import asyncio
import dataclasses
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import psycopg
import pytest

from afterturn.database import counters
from afterturn.endpoints.breaker import Breaker
from afterturn.errors import InvalidInput, MemoryUnavailable
from afterturn.scopes import UserScope
from afterturn.watching import reading, reports, status_json
from afterturn.watching.dead import Filters
from afterturn.watching.status import Selection
from api_shim import MemoryClient

ANA = UserScope("default", "ana")


@pytest.fixture
def a_bit_of_everything(settings, pipeline, database, hot_store):
    """Facts, a dead batch, an open breaker, LLM calls, turns that are pending, messages at the broker."""
    memory = MemoryClient("ana", settings=settings)
    memory.write("user", "I live in Porto.", name="Ana")
    pipeline.settle()
    memory.write("user", "I live in Lisbon.", name="Ana")
    memory.flush()
    pipeline.sweep()
    pipeline.step()
    database.execute(
        "UPDATE batches SET state = 'dead', reason = 'model_refused: no', dead_at = now() WHERE user_seq = 2"
    )
    database.execute(
        "INSERT INTO llm_calls (tenant_id, user_id, call_id, stage, model, prompt_tokens, completion_tokens, ended_at)"
        " VALUES ('default', 'ana', gen_random_uuid(), 'extract', 'm', 100, 7, now())"
    )
    database.execute(
        "INSERT INTO rejections SELECT tenant_id, user_id, batch_id, 9, 'invented' FROM batches WHERE state = 'applied'"
    )
    with pipeline.runtime.postgres.connection() as connection:
        counters.increment(connection, counters.VERSION_CONFLICTS, 3)
    Breaker(hot_store, "llm", probe_seconds=10).record_failure(20.0)
    hot_store.rpush("extract", "a", "b")
    memory.write("user", "I own a cat.")
    [(dead_batch,)] = database.execute("SELECT batch_id FROM batches WHERE state = 'dead'").fetchall()
    return dead_batch


def every_report(settings, dead_batch):
    """Return every report of the one place, by name, as a function that makes it."""
    since = datetime.now(UTC) - timedelta(days=1)
    return {
        "backlog": reports.backlog,
        "batch": partial(reports.batch, dead_batch),
        "batch_with_turns": partial(reports.batch_with_turns, dead_batch),
        "breakers": reports.breakers,
        "embeddings": partial(reports.embeddings, settings),
        "costs": partial(reports.costs, "default", "ana", by="stage", days=30),
        "counters": reports.counters,
        "daily_budget": partial(reports.daily_budget, ANA, daily_tokens=150),
        "dead_batches": partial(reports.dead_batches, Filters(user_id="ana"), limit=5),
        "dead_items": partial(reports.dead_items, Filters(user_id="ana"), limit=5),
        "dead_reasons": reports.dead_reasons,
        "freshness": partial(reports.freshness, "default", seconds=900),
        "llm_usage_today": partial(reports.llm_usage_today, "default"),
        "pending": partial(reports.pending, settings, "default"),
        "progress": partial(reports.progress, "default"),
        "queues": partial(reports.queues, settings),
        "rejected": partial(reports.rejected, "default", since=since),
        "stage_delays": partial(reports.stage_delays, "default", "ana"),
        "status": partial(reports.status, settings, Selection()),
        "users": partial(reports.users, "default", prefix=None, limit=5, cursor=None),
    }


def test_every_report_reads_the_same_under_asyncio(settings, a_bit_of_everything):
    made = every_report(settings, a_bit_of_everything)
    assert sorted(made) == reports.__all__

    async def read_all():
        return dict(
            zip(
                made,
                await asyncio.gather(*[reading.read_report_async(settings, r()) for r in made.values()]),
                strict=True,
            )
        )

    under_asyncio = asyncio.run(read_all())
    for name, make in made.items():
        assert_alike(under_asyncio[name], reading.read_report(settings, make()), name)

    assert under_asyncio["dead_reasons"] == {"model_refused: no": 1}
    assert [batch.batch_id for batch in under_asyncio["dead_batches"]] == [a_bit_of_everything]
    assert [turn.content for turn in under_asyncio["batch_with_turns"][1]] == ["I live in Lisbon."]
    assert under_asyncio["breakers"]["llm"].state == "open"
    assert (under_asyncio["pending"].sessions, under_asyncio["queues"]["extract"]) == (1, 2)
    assert (under_asyncio["counters"], under_asyncio["rejected"]) == ({"version_conflicts": 3}, {"invented": 1})
    assert (under_asyncio["progress"].current_facts, under_asyncio["progress"].dead_batches) == (1, 1)
    assert under_asyncio["freshness"].archived_p95 is not None and under_asyncio["stage_delays"].turns == 1
    assert [cost.prompt_tokens for cost in under_asyncio["costs"]] == [100]
    assert (under_asyncio["daily_budget"].spent_tokens, under_asyncio["daily_budget"].is_degraded) == (107, True)
    assert status_json.as_json(under_asyncio["status"])["dead"]["count"] == 1


def assert_alike(one, other, name):
    """Compare two readings: what is counted from now on may differ by the time between them."""
    if dataclasses.is_dataclass(one) and type(one) is type(other):
        fields = dataclasses.fields(one)
        one, other = ({field.name: getattr(read, field.name) for field in fields} for read in (one, other))
    if isinstance(one, dict):
        assert one.keys() == other.keys(), name
        for key in one:
            assert_alike(one[key], other[key], f"{name}.{key}")
    elif isinstance(one, list | tuple):
        assert len(one) == len(other), name
        for place, (first, second) in enumerate(zip(one, other, strict=True)):
            assert_alike(first, second, f"{name}[{place}]")
    elif name.endswith(".used_bytes"):
        assert one == pytest.approx(other, rel=0.5), name
    elif isinstance(one, float):
        assert one == pytest.approx(other, abs=20), name
    elif isinstance(one, datetime):
        assert abs(one - other) < timedelta(seconds=20), name
    else:
        assert one == other, name


def test_a_server_that_is_away_takes_nothing_of_the_others_with_it(settings, a_bit_of_everything):
    away = settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0", "broker_url": settings.redis_url})
    found = asyncio.run(reading.read_report_async(away, reports.status(away, Selection())))
    assert "AFTERTURN_REDIS_URL did not answer" in found.away["redis"]
    assert (found.hot, found.queues["extract"], found.stored.backlog.discarded) == (None, 2, 0)

    url = type(settings.postgres_url)("postgresql://nobody@127.0.0.1:1/none")
    away = settings.model_copy(update={"postgres_url": url})
    found = asyncio.run(reading.read_report_async(away, reports.status(away, Selection())))
    assert "AFTERTURN_POSTGRES_URL did not answer" in found.away["postgres"]
    assert (found.stored, found.hot.pending.sessions) == (None, 1)
    with pytest.raises(MemoryUnavailable, match="AFTERTURN_POSTGRES_URL"):
        asyncio.run(reading.read_report_async(away, reports.backlog()))


@pytest.mark.parametrize("read", [reading.read_report, lambda *asked: asyncio.run(reading.read_report_async(*asked))])
def test_what_cannot_be_asked_is_refused(settings, read):
    with pytest.raises(InvalidInput, match="no such batch"):
        read(settings, reports.batch(UUID(int=1)))
    with pytest.raises(InvalidInput, match="by must be one of"):
        read(settings, reports.costs(by="weather"))


def test_the_event_loop_goes_on_while_postgres_makes_a_report_wait(settings, database):
    async def read_beside_a_clock():
        asked = asyncio.create_task(reading.read_report_async(settings, reports.backlog()))
        ticks = 0
        while not asked.done():
            await asyncio.sleep(0.01)
            ticks += 1
            if ticks == 20:
                await asyncio.to_thread(lock.rollback)
        return await asked, ticks

    with psycopg.connect(settings.postgres_url.get_secret_value()) as lock:
        lock.execute("LOCK TABLE batches IN ACCESS EXCLUSIVE MODE")
        found, ticks = asyncio.run(read_beside_a_clock())
    assert found.uncut.turns == 0
    assert ticks >= 20


def test_to_look_needs_neither_celery_nor_a_model_library():
    """A page that shows operator data runs where no worker is installed."""
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys; from afterturn.watching import reading, reports; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert "afterturn.watching.reports" in loaded
    assert {"celery", "kombu", "openai", "flower", "yoyo"} & set(loaded) == set()
