"""Importing old conversations: every turn is imported once and with its own time, even if the import is repeated."""

import io
import json
import sys
from types import SimpleNamespace

from api_shim import MemoryClient
from tests.old_turns import count, line, many


def test_importing_twice_adds_nothing(command, pipeline, database, write_file):
    file = write_file(*many(120, users=3), line("The same."), line("The same."))
    first = command("import", file)
    assert (first.code, "122 turns in 4 sessions" in first.out) == (0, True)
    assert "122 turns written, 0 already existed" in first.out
    pipeline.settle()
    facts = count(database, "facts")
    again = command("import", file)
    assert (again.code, "0 turns written, 122 already existed" in again.out) == (0, True)
    pipeline.settle()
    assert (count(database, "turns"), count(database, "facts")) == (122, facts)


def test_dates_are_kept_and_the_later_value_is_current(command, pipeline, settings, database, write_file):
    MemoryClient("ana", "today", settings=settings).write("user", "I live in Porto.")
    pipeline.settle()
    file = write_file(line("I live in Lisbon."), line("I started a new job yesterday."), line("I own a red bicycle."))
    assert command("import", file).code == 0
    pipeline.settle()
    turns = database.execute("SELECT DISTINCT occurred_at::date::text FROM turns WHERE session_id = 'old'").fetchall()
    assert turns == [("2023-05-08",)]
    facts = dict(database.execute("SELECT text, said_at::date::text FROM facts WHERE session_id = 'old'").fetchall())
    assert facts
    assert set(facts.values()) == {"2023-05-08"}
    status = database.execute("SELECT status FROM facts WHERE value IN ('Lisbon', 'Porto') ORDER BY said_at").fetchall()
    assert status == [("superseded",), ("current",)]


def test_invalid_lines_are_reported_and_nothing_is_imported(command, pipeline, database, write_file):
    file = write_file(line("I live in Porto."), line("SECRET", at="yesterday"), line("SECRET", role="SECRET"))
    ended = command("import", file)
    assert ended.code == 2
    assert "line 2: [invalid_at]" in ended.error
    assert "line 3: [invalid_role]" in ended.error
    assert "2 invalid lines: invalid_at 1, invalid_role 1" in ended.error
    assert "SECRET" not in ended.error + ended.out
    assert "nothing was imported" in ended.error
    dry = command("import", file, "--dry-run", "--skip-invalid")
    assert (dry.code, count(database, "turns")) == (2, 0)
    skipped = command("import", file, "--skip-invalid")
    assert (skipped.code, "1 turns written" in skipped.out) == (2, True)
    pipeline.settle()
    assert count(database, "turns") == 1


def test_a_dry_run_needs_no_server_and_writes_nothing(command, database, write_file, monkeypatch):
    monkeypatch.setenv("AFTERTURN_REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("AFTERTURN_POSTGRES_URL", "postgresql://127.0.0.1:1/none")
    ended = command("import", write_file(*many(30)), "--dry-run")
    assert (ended.code, "dates from 2023-05-08 to 2023-05-08" in ended.out) == (0, True)
    away = command("import", write_file(*many(30)))
    assert (away.code, "memory_unavailable" in away.error) == (2, True)


def test_lines_can_come_through_a_pipe_without_user_and_session(command, pipeline, database, monkeypatch):
    said = {"role": "user", "content": "I live in Porto.", "at": "2023-05-08T13:56:00Z"}
    source = SimpleNamespace(buffer=io.BytesIO(json.dumps(said).encode()), isatty=lambda: False)
    monkeypatch.setattr(sys, "stdin", source)
    assert command("import", "-", "--user", "ana", "--session", "old", "--tenant", "t").code == 0
    pipeline.settle()
    assert database.execute("SELECT tenant_id, user_id, session_id FROM turns").fetchall() == [("t", "ana", "old")]


def test_imported_turns_are_older_than_live_turns_written_before(command, pipeline, settings, database, write_file):
    MemoryClient("ana", "today", settings=settings).write("user", "I live in Porto.")
    pipeline.settle()
    old = line("I live in Lisbon.")
    assert command("import", write_file(old)).code == 0
    pipeline.settle()
    newest = MemoryClient("ana", "another", settings=settings).recall()
    assert [memory.text for memory in newest] == ["I live in Porto.", "I live in Lisbon."]


def test_forgetting_a_user_during_an_import_forgets_all_turns(command, pipeline, database, write_file):
    assert command("import", write_file(*many(300, users=2))).code == 0
    for _ in range(3):
        pipeline.sweep()
        pipeline.step()
    assert count(database, "imported_runs", "user_id = 'user0'") == 1
    assert command("forget", "user0", "--yes").code == 0
    pipeline.settle()
    for table in ("turns", "imported_runs", "batches", "facts"):
        assert count(database, table, "user_id = 'user0'") == 0
    assert count(database, "batches", "user_id = 'user1' AND state = 'applied'") == 5
