"""A store of users' things is exported, forgotten and scrubbed by being on the list: here one more than there are."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import dict_row

from afterturn import faults
from afterturn.errors import MemoryUnavailable, TransitionRefused
from afterturn.forgetting import erasures, export, scrub
from afterturn.local import environment
from afterturn.pipeline.runtime import Runtime
from afterturn.scopes import UserScope
from afterturn.user_store import Record, ScrubStep, UserStore
from tests import canary
from tests.canary import write_about

ANA = UserScope("default", "ana")
BEN = UserScope("default", "ben")
CALLS = ("sessions", "clear", "complete")


class Notes(UserStore):
    """Notes about users in tables that the memory does not know, on a connection of its own."""

    name = "notes"
    remains = {"notes, dead rows": "until the test ends"}  # noqa: RUF012

    def __init__(self, url):
        self._database = psycopg.connect(url, autocommit=True, row_factory=dict_row)
        self._database.execute("CREATE SCHEMA IF NOT EXISTS notes")
        self._database.execute("CREATE TABLE IF NOT EXISTS notes.notes (owner text, note text)")
        self._database.execute("CREATE TABLE IF NOT EXISTS notes.fences (owner_hash text PRIMARY KEY, token bigint)")
        #: The call that fails -> with what.
        self.failing = {}
        self.called = []

    def add(self, user, note):
        self._database.execute("INSERT INTO notes.notes VALUES (%s, %s)", (_owner(user), note))

    def close(self):
        self._database.execute("DROP SCHEMA IF EXISTS notes CASCADE")
        self._database.close()

    def records(self, user):
        for row in self._database.execute("SELECT note FROM notes.notes WHERE owner = %s", (_owner(user),)).fetchall():
            yield Record(kind="notes", values={"note": row["note"]})

    def sessions(self, user):
        self._call("sessions")
        return super().sessions(user)

    def clear(self, erasure):
        self._call("clear")
        return self._remove(erasure)

    def complete(self, erasure, connection):
        self._call("complete")
        removed = self._remove(erasure)
        self._database.execute(
            "INSERT INTO notes.fences VALUES (%s, %s) ON CONFLICT (owner_hash) DO UPDATE SET token = EXCLUDED.token",
            (erasure.owner_hash, erasure.token),
        )
        return removed

    def scrub(self, *, rewrite):
        self._database.execute(f"VACUUM ({'FULL' if rewrite else 'ANALYZE'}) notes.notes")
        yield ScrubStep(name="vacuum notes", is_done=True, detail="done")

    def _remove(self, erasure):
        found = self._database.execute("SELECT token FROM notes.fences WHERE owner_hash = %s", (erasure.owner_hash,))
        if any(row["token"] >= erasure.token for row in found.fetchall()):
            raise TransitionRefused("an erasure that was taken later is done")
        gone = self._database.execute("DELETE FROM notes.notes WHERE owner = %s", (_owner(erasure.user),))
        return Counter(notes=gone.rowcount)

    def _call(self, name):
        self.called.append(name)
        if name in self.failing:
            raise self.failing[name]


def _owner(user):
    return f"{user.tenant_id}/{user.user_id}"


def with_notes(runtime, notes):
    """Put the notes on the runtime's list, behind Redis."""
    keys, tables, objects = runtime.user_stores
    runtime.__dict__["user_stores"] = (keys, notes, tables, objects)


@pytest.fixture
def notes(settings, pipeline):
    store = Notes(settings.postgres_url.get_secret_value())
    with_notes(pipeline.runtime, store)
    yield store
    store.close()


@pytest.fixture
def remembered(settings, pipeline, notes):
    """Ana in every store, and Ben beside her."""
    memory = write_about(settings, "ana")
    write_about(settings, "ben", word="Rex")
    pipeline.settle()
    memory.write("user", f"{canary.WORD} barks.")
    notes.add(ANA, canary.WORD)
    notes.add(BEN, "Rex")
    return memory


def is_unfinished(database):
    [(count, names)] = database.execute(
        "SELECT count(*), count(user_id) FROM erasures WHERE completed_at IS NULL"
    ).fetchall()
    assert count == names
    return count == 1


def assert_nothing_is_left(pipeline, database, hot_store):
    assert canary.places(database, hot_store, canary.WORD) == []
    assert list(export.export_records(pipeline.runtime.user_stores, ANA)) == []


def test_every_store_on_the_list_has_a_search_for_canaries(pipeline):
    names = [store.name for store in pipeline.runtime.user_stores]
    assert names == ["redis", "postgres", "cold"]
    assert set(names) == set(canary.SEARCHES)


def test_a_further_store_is_exported_forgotten_and_scrubbed(remembered, pipeline, notes, database, hot_store):
    exported = list(export.export_records(pipeline.runtime.user_stores, ANA))
    assert {"redis.pending", "redis.recent", "notes", "turns", "facts"} <= {record.kind for record in exported}
    assert [record.values for record in exported if record.kind == "notes"] == [{"note": canary.WORD}]

    receipt = erasures.forget(pipeline.runtime, ANA)

    assert (receipt.removed["notes"], receipt.removed["turns"], receipt.removed["redis.pending"]) == (1, 2, 1)
    assert notes.called == list(CALLS)
    assert_nothing_is_left(pipeline, database, hot_store)
    assert {record.kind for record in export.export_records(pipeline.runtime.user_stores, BEN)} > {"notes", "turns"}

    steps = list(scrub.scrub_stores(pipeline.runtime.user_stores))
    assert all(step.is_done for step in steps)
    assert {"append-only file", "vacuum notes", "vacuum turns", "write-ahead log"} <= {step.name for step in steps}


def test_what_is_written_after_the_erasure_is_kept(remembered, pipeline, notes):
    erasures.forget(pipeline.runtime, ANA)
    notes.add(ANA, "Ana is back.")
    assert erasures.run_erasure(pipeline.runtime, ANA) is False
    assert [record.values for record in notes.records(ANA)] == [{"note": "Ana is back."}]


@pytest.mark.parametrize("call", CALLS)
def test_a_store_that_fails_leaves_the_erasure_unfinished_and_the_sweep_ends_it(
    remembered, pipeline, notes, database, hot_store, call
):
    notes.failing[call] = RuntimeError("the store is broken")
    with pytest.raises(RuntimeError, match="is broken"):
        erasures.forget(pipeline.runtime, ANA)
    assert is_unfinished(database)
    # Whatever was in the completing transaction is undone with it.
    assert database.execute("SELECT count(*) FROM turns WHERE user_id = 'ana'").fetchone() == (2,)

    notes.failing.clear()
    database.execute("UPDATE erasures SET requested_at = now() - interval '2 seconds'")
    pipeline.settle()
    assert not is_unfinished(database)
    assert_nothing_is_left(pipeline, database, hot_store)
    [(removed,)] = database.execute("SELECT removed FROM erasures").fetchall()
    # The pending turn may have been archived meanwhile.
    assert removed.get("redis.pending", 0) + removed["turns"] == 3
    assert removed["notes"] == 1


def test_a_store_that_is_away_is_said_and_the_erasure_is_noted(remembered, pipeline, notes, database):
    notes.failing["clear"] = MemoryUnavailable("the notes did not answer")
    with pytest.raises(MemoryUnavailable, match="the notes did not answer: the erasure is requested"):
        erasures.forget(pipeline.runtime, ANA)
    assert is_unfinished(database)


@pytest.mark.slow
@pytest.mark.parametrize("point", faults.POINTS["erase"])
def test_an_erasure_that_is_killed_is_ended_by_another_process(
    remembered, settings, pipeline, notes, database, hot_store, tmp_path, point
):
    fault = f"erase.{point} kill {tmp_path / 'fired'}"
    variables = environment.child_environment(settings) | {faults.ENVIRONMENT_VARIABLE: fault}
    killed = subprocess.run(
        [sys.executable, "-m", "tests.integration.test_user_stores"],
        env=os.environ | variables,
        cwd=Path(__file__).parents[2],
        timeout=60,
    )
    assert killed.returncode == -9
    assert is_unfinished(database) == (point != "after_commit")
    database.execute("UPDATE erasures SET requested_at = now() - interval '2 seconds'")
    pipeline.settle()
    assert_nothing_is_left(pipeline, database, hot_store)
    assert list(notes.records(BEN))


def forget_ana():
    """Forget her in a process that a fault point strikes."""
    from afterturn import settings as settings_module

    runtime = Runtime(settings_module.load())
    with_notes(runtime, Notes(runtime.settings.postgres_url.get_secret_value()))
    erasures.forget(runtime, ANA)


if __name__ == "__main__":
    forget_ana()
