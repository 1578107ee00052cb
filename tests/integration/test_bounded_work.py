"""A task does a bounded part of what one user owes, and leaves the rest to the next: others need not wait for it."""

from __future__ import annotations

from uuid import UUID

import psycopg
import pytest

from afterturn.consolidation import near_facts, similar_facts
from afterturn.consolidation.judgement import ShownFact
from afterturn.pipeline.archiving.cutting import CROWD
from afterturn.pipeline.enqueue import FIRST_PLACES
from afterturn.pipeline.hand_out import DIRECT_QUEUE, SHORT_QUEUE, DirectRoom
from afterturn.pipeline.stages import archive, consolidate, summarize
from afterturn.scopes import SessionScope, UserScope
from api_shim import MemoryClient
from harness.llm_server import LLMServer
from harness.pipeline import Pipeline

NOISY, QUIET = SessionScope("default", "noisy", "long"), SessionScope("default", "quiet", "chat")
ANA = UserScope("default", "ana")


@pytest.fixture
def llm_server():
    with LLMServer() as server:
        yield server


@pytest.fixture
def with_llm(settings, llm_server):
    given = {"llm_base_url": llm_server.base_url, "llm_api_key": "sk-test", "batch_turns": 1, "summary_run": 2}
    return type(settings)(**settings.model_dump(exclude_unset=True) | given)


@pytest.fixture
def with_model(with_llm, hot_store):
    with Pipeline(with_llm) as opened:
        yield opened


def write(settings, session, turns):
    memory = MemoryClient(session.user_id, session.session_id, settings=settings)
    memory.write_many({"role": "user", "content": f"I own bicycle No. {number}."} for number in range(turns))
    memory.flush()


def archived(database, session):
    row = database.execute("SELECT count(*) FROM turns WHERE user_id = %s", (session.user_id,)).fetchone()
    return row[0]


def archive_task(pipeline, *sessions, free=100):
    runtime = pipeline.runtime
    room = DirectRoom({"extract": free, "embed": free})
    return archive.archive(runtime.redis, runtime.postgres, runtime.settings, sessions, room=room)


def test_an_archive_task_ends_before_a_long_session_does(settings, pipeline, database, monkeypatch):
    monkeypatch.setattr(archive, "SECONDS_PER_TASK", 0.0)
    write(settings, NOISY, 900)
    write(settings, QUIET, 1)
    new_batches = archive_task(pipeline, NOISY, QUIET)
    assert archived(database, NOISY) == archive.ENTRIES_PER_SESSION
    assert archived(database, QUIET) == 1
    assert [batch.scope.user_id for batch in new_batches if batch.is_handed_on and batch.scope.user_id == "quiet"]
    pipeline.settle()
    assert archived(database, NOISY) == 900


def test_an_archive_task_carries_out_so_many_removals(settings, pipeline, database, monkeypatch):
    monkeypatch.setattr(archive, "SECONDS_PER_TASK", 0.0)
    monkeypatch.setattr(archive, "REMOVALS_PER_SESSION", 3)
    memory = MemoryClient(NOISY.user_id, NOISY.session_id, settings=settings)
    turn_ids = memory.write_many({"role": "user", "content": f"I own bicycle No. {number}."} for number in range(8))
    pipeline.settle()
    for turn_id in turn_ids:
        memory.remove(turn_id)
    archive_task(pipeline, NOISY)
    assert database.execute("SELECT count(*) FROM turns WHERE removed_at IS NOT NULL").fetchone() == (3,)
    pipeline.settle()
    assert database.execute("SELECT count(*) FROM turns WHERE removed_at IS NOT NULL").fetchone() == (8,)


def test_a_transaction_takes_fewer_entries_of_each_session_the_more_sessions_there_are(
    settings, pipeline, database, monkeypatch
):
    monkeypatch.setattr(archive, "SECONDS_PER_TASK", 0.0)
    sessions = [SessionScope("default", f"user-{number}", "long") for number in range(20)]
    for session in sessions:
        write(settings, session, 100)
    archive_task(pipeline, *sessions)
    assert {archived(database, session) for session in sessions} == {50}


def test_the_last_room_is_for_the_first_batches_of_a_user(settings, pipeline, database):
    """Edits: each is a batch, and is handed on to be embedded while others of its user are open."""
    memory = MemoryClient(NOISY.user_id, settings=settings)
    for number in range(50):
        memory.add_fact(f"Noisy owns bicycle No. {number}.")
    edits = SessionScope(NOISY.tenant_id, NOISY.user_id, "~edits")
    new_batches = archive_task(pipeline, edits, free=DIRECT_QUEUE - SHORT_QUEUE)
    assert [batch.is_handed_on for batch in new_batches] == [True, True] + [False] * 48
    places = database.execute("SELECT place FROM batches ORDER BY user_seq").fetchall()
    assert [place for (place,) in places] == list(range(50))


def test_the_last_room_is_for_the_first_users_of_a_crowd(with_llm, with_model, database):
    sessions = [SessionScope("default", f"user-{number:02}", "chat") for number in range(50)]
    for session in sessions:
        write(with_llm, session, 1)
    new_batches = archive_task(with_model, *sessions, free=DIRECT_QUEUE - SHORT_QUEUE)
    assert len(new_batches) == 50
    assert sum(batch.is_handed_on for batch in new_batches) == CROWD
    places = database.execute("SELECT place, count(*) FROM batches GROUP BY place ORDER BY place").fetchall()
    assert places == [(0, CROWD), (FIRST_PLACES, 50 - CROWD)]


def test_of_a_backlog_only_the_first_batch_is_handed_on_to_be_extracted(with_llm, with_model, database):
    write(with_llm, NOISY, 50)
    new_batches = archive_task(with_model, NOISY, free=DIRECT_QUEUE)
    assert [batch.is_handed_on for batch in new_batches] == [True] + [False] * 49
    places = database.execute("SELECT place FROM batches ORDER BY user_seq").fetchall()
    assert [place for (place,) in places] == list(range(50))


def test_a_task_applies_so_many_batches_and_hands_on(settings, pipeline, database, monkeypatch):
    monkeypatch.setattr(consolidate, "BATCHES_PER_TASK", 4)
    monkeypatch.setattr(consolidate, "SECONDS_PER_TASK", 60.0)
    one_turn = type(settings)(**settings.model_dump(exclude_unset=True) | {"batch_turns": 1})
    pipeline.runtime.settings = one_turn
    write(one_turn, NOISY, 10)
    archive_task(pipeline, NOISY)
    batches = [row[0] for row in database.execute("SELECT batch_id FROM batches ORDER BY user_seq").fetchall()]
    for batch_id in batches:
        pipeline.do("extract", "default", "noisy", str(batch_id))
        pipeline.do("embed", "default", "noisy", str(batch_id))
    pipeline.hints.waiting.clear()
    database.execute("UPDATE batches SET hinted_at = NULL")
    assert consolidate.consolidate(pipeline.runtime, NOISY.user, batches[0])
    assert database.execute("SELECT count(*) FROM batches WHERE state = 'applied'").fetchone() == (4,)
    assert list(pipeline.hints.waiting) == [("consolidate", ("default", "noisy", str(batches[4])))]


def test_a_task_begins_no_further_batch_when_its_time_is_over(settings, pipeline, database, monkeypatch):
    monkeypatch.setattr(consolidate, "SECONDS_PER_TASK", 0.0)
    one_turn = type(settings)(**settings.model_dump(exclude_unset=True) | {"batch_turns": 1})
    pipeline.runtime.settings = one_turn
    write(one_turn, NOISY, 3)
    pipeline.settle()
    assert database.execute("SELECT count(*) FROM batches WHERE state = 'applied'").fetchone() == (3,)


def test_a_summary_task_makes_so_many_digests_and_hands_on(with_llm, with_model, llm_server, database, monkeypatch):
    monkeypatch.setattr(summarize, "DIGESTS_PER_TASK", 3)
    write(with_llm, SessionScope("default", "ana", "chat"), 24)
    while any(with_model.sweep().values()) or with_model.hints.waiting:
        while with_model.hints.waiting:
            if with_model.hints.waiting[0][0] == "summarize":
                before = len(llm_server.calls("summarize"))
                with_model.step()
                assert len(llm_server.calls("summarize")) - before <= 3
            else:
                with_model.step()
    owed = database.execute("SELECT count(*) FROM sessions WHERE owes_summary").fetchone()
    assert owed == (0,)
    assert len(llm_server.calls("summarize")) > 6


def add_facts(database: psycopg.Connection, count: int) -> None:
    """Give Ana so many facts, each with a vector of its own."""
    database.execute("INSERT INTO users (tenant_id, user_id) VALUES ('default', 'ana') ON CONFLICT DO NOTHING")
    database.execute(
        """
        INSERT INTO facts (tenant_id, user_id, fact_id, batch_id, session_id, text, category, importance, said_at)
        SELECT 'default', 'ana', md5(n::text)::uuid, gen_random_uuid(), 's',
               'Ana owns the bicycle ' || md5(n::text) || ' near ' || (array['Porto', 'Lyon', 'Ghent'])[1 + n %% 3],
               'other', 0.5, now() - n * interval '1 minute'
        FROM generate_series(1, %s) AS n
        """,
        (count,),
    )
    database.execute(
        """
        INSERT INTO vectors (tenant_id, user_id, space_id, kind, item, embedding)
        SELECT 'default', 'ana', s.space_id, 'fact', f.fact_id::text,
               (SELECT array_agg(hashfloat8(extract(epoch FROM f.said_at)::float8 + d)::float8 / 1e10 ORDER BY d)
                FROM generate_series(1, s.dimension) AS d)::real[]::halfvec
        FROM facts AS f, embedding_spaces AS s WHERE s.state = 'serving'
        """
    )


def statements(database, count):
    rows = database.execute("SELECT fact_id, text, said_at FROM facts ORDER BY said_at DESC LIMIT %s", (count,))
    return [ShownFact(*row) for row in rows.fetchall()]


def find_near(pipeline, *statements, without=()):
    with pipeline.runtime.postgres.connection() as connection:
        return near_facts.find_near_facts(connection, ANA.key, statements, without=without)


def test_near_facts_of_a_large_memory_are_those_with_the_nearest_vectors(pipeline, database, monkeypatch):
    monkeypatch.setattr(similar_facts, "VECTORS_PER_PAGE", 7)
    add_facts(database, 100)
    [asked] = statements(database, 1)
    found = find_near(pipeline, asked)
    nearest = database.execute(
        "SELECT v.item FROM vectors AS v, vectors AS own WHERE own.item = %s AND v.kind = 'fact' "
        "AND 1 - (v.embedding <=> own.embedding) >= %s ORDER BY v.embedding <=> own.embedding LIMIT 9",
        (str(asked.fact_id), near_facts.SHOWN_COSINE),
    ).fetchall()
    assert found.fact_ids[0] == asked.fact_id
    assert {UUID(item) for (item,) in nearest} <= set(found.fact_ids)
    assert len(found.fact_ids) <= 2 * near_facts.SHOWN_FACTS


def test_near_facts_without_vectors_are_those_with_rare_words(pipeline, database):
    add_facts(database, 60)
    database.execute("DELETE FROM vectors")
    [asked] = statements(database, 1)
    rare = ShownFact(UUID(int=1), f"It is {asked.text.split()[4]}.", asked.said_at)
    found = find_near(pipeline, rare)
    assert (found.fact_ids[0], found.statement_ids) == (asked.fact_id, {rare.fact_id})


def test_superseded_facts_and_those_that_were_compared_already_are_not_near(pipeline, database):
    add_facts(database, 60)
    asked, other, third = statements(database, 3)
    database.execute("UPDATE facts SET status = 'superseded' WHERE fact_id = %s", (other.fact_id,))
    found = find_near(pipeline, asked, other, without={third.fact_id})
    assert asked.fact_id in found.fact_ids
    assert not {other.fact_id, third.fact_id} & set(found.fact_ids)


def test_a_statement_that_is_near_to_nothing_asks_nobody(pipeline, database):
    add_facts(database, 60)
    assert find_near(pipeline, ShownFact(UUID(int=1), "Zanzibar.", statements(database, 1)[0].said_at)) is None


def test_when_the_judge_has_answered_near_facts_are_not_searched_again(
    with_llm, with_model, database, llm_server, judged, monkeypatch
):
    searches = []
    search = near_facts.find_near_facts
    monkeypatch.setattr(
        near_facts, "find_near_facts", lambda *given, **more: searches.append(1) or search(*given, **more)
    )
    memory = MemoryClient("ana", settings=with_llm)
    for text in ("I own a cat.", "I sing."):
        memory.write("user", text, name="Ana")
        with_model.settle()
    assert len(llm_server.calls("judge")) == 1
    assert len(searches) == 1
    assert database.execute("SELECT count(*) FROM judge_questions").fetchone() == (0,)
