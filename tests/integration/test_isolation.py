"""What cannot be stored is set aside by itself: everybody who shares a transaction with it goes on."""

from __future__ import annotations

import json

import psycopg
import pytest

from afterturn.hot import pending
from afterturn.scopes import SessionScope
from api_shim import MemoryClient


def _entry(hot_store, user_id, entry_id, session_id="default", **changed):
    """Write an entry past the doors, as an older release may have done."""
    payload = {"v": 1, "id": entry_id, "role": "user", "content": "I own a boat.", "at": 1_700_000_000.0} | changed
    encoded = json.dumps(payload).encode()
    pending.append(hot_store, SessionScope("default", user_id, session_id), entry_id, encoded)


#: What Postgres refuses, or this program cannot convert.
POISON = {
    "a number as text": {"content": 5},
    "NUL": {"content": "I own\x00 a boat."},
    "a lone surrogate": {"content": "I own \ud800 a boat."},
    "NUL in metadata": {"metadata": {"a": "\x00"}},
    "infinity in metadata": {"metadata": {"a": float("inf")}},
    "metadata nested too deeply": {"metadata": {"a": json.loads("[" * 900 + "]" * 900)}},
    "a name that is an object": {"name": {"a": 1}},
    "no role": {"role": None},
}


@pytest.fixture
def dead_entries(database):
    def read():
        return database.execute(
            "SELECT user_id, session_id, entry_id, reason FROM dead_entries ORDER BY user_id, entry_id"
        ).fetchall()

    return read


@pytest.mark.parametrize("what", [name for name in POISON if name != "metadata nested too deeply"])
def test_one_entry_that_cannot_be_stored_stops_nobody(settings, pipeline, hot_store, database, dead_entries, what):
    others = [MemoryClient(f"user-{number}", settings=settings) for number in range(12)]
    for memory in others:
        memory.write("user", "I like tea.")
    ana = MemoryClient("ana", settings=settings)
    ana.write("user", "before", turn_id="before")
    _entry(hot_store, "ana", "poison", **POISON[what])
    ana.write("user", "after", turn_id="after")
    pipeline.settle()
    [(user_id, session_id, entry_id, reason)] = dead_entries()
    assert (user_id, session_id, entry_id) == ("ana", "default", "poison")
    assert reason.startswith(("not_storable: ", "internal: ")) and "boat" not in reason
    stored = database.execute("SELECT turn_id FROM turns WHERE user_id = 'ana' ORDER BY position").fetchall()
    assert stored == [("before",), ("after",)]
    assert database.execute("SELECT count(DISTINCT user_id) FROM turns").fetchone() == (13,)
    assert database.execute("SELECT count(*) FROM batches WHERE state <> 'applied'").fetchone() == (0,)
    assert pending.read_entries(hot_store, [SessionScope("default", "ana", "default")], limit=10).entries == {
        SessionScope("default", "ana", "default"): []
    }


def test_several_entries_that_cannot_be_stored_are_each_set_aside(
    settings, pipeline, hot_store, dead_entries, database
):
    for number in range(40):
        if number % 7 == 3:
            _entry(hot_store, "ana", f"poison-{number:02}", content=f"{number}\x00")
        else:
            MemoryClient("ana", settings=settings).write("user", f"I own {number} boats.", turn_id=f"{number:02}")
    _entry(hot_store, "ben", "poison", session_id="other", content="\x00")
    pipeline.settle()
    assert [entry_id for _, _, entry_id, _ in dead_entries()] == [
        *(f"poison-{number:02}" for number in range(3, 40, 7)),
        "poison",
    ]
    stored = database.execute("SELECT turn_id FROM turns ORDER BY position").fetchall()
    assert stored == [(f"{number:02}",) for number in range(40) if number % 7 != 3]


def test_ids_that_an_older_release_accepted_stop_nobody(settings, pipeline, hot_store, database, dead_entries):
    # Random characters: Postgres compresses repeated ones, and then they fit.
    wide = [
        "".join(chr(0x10000 + (seed * 7919 + place * 104729) % 0xF0000) for place in range(200)) for seed in range(4)
    ]
    entry = json.dumps({"v": 1, "id": wide[3], "role": "user", "content": "x", "at": 1.0}).encode()
    pending.append(hot_store, SessionScope(*wide[:3]), wide[3], entry)
    MemoryClient("ben", settings=settings).write("user", "I like tea.")
    pipeline.settle()
    assert {(user_id, entry_id) for user_id, _, entry_id, _ in dead_entries()} >= {(wide[1], wide[3])}
    assert database.execute("SELECT user_id FROM turns").fetchall() == [("ben",)]


def test_an_entry_that_cannot_be_stored_is_removed_with_its_turn(settings, pipeline, hot_store, dead_entries):
    _entry(hot_store, "ana", "poison", content="\x00")
    pipeline.settle()
    assert len(dead_entries()) == 1
    MemoryClient("ana", settings=settings).remove("poison")
    pipeline.settle()
    assert dead_entries() == []


def test_a_large_turn_of_distinct_words_is_archived_and_found(settings, pipeline, hot_store, database):
    roomy = settings.model_copy(update={"turn_limit_bytes": 4_000_000})
    memory = MemoryClient("ana", settings=roomy)
    words = " ".join(f"word{number * 2654435761 % 2**32:x}" for number in range(100_000))
    assert len(words) > 1_200_000
    memory.write("user", words + " The lighthouse keeper is Ingrid.", turn_id="large")
    # While it is pending, recall searches it as well.
    assert [found.evidence[0].turn_id for found in memory.recall("lighthouse keeper")] == ["large"]
    pipeline.do("archive", [["default", "ana", "default"]])
    assert database.execute("SELECT turn_id FROM turns").fetchall() == [("large",)]
    hot_store.flushdb()
    assert [found.evidence[0].turn_id for found in memory.recall("lighthouse keeper")] == ["large"]


@pytest.fixture
def refused(database):
    """Let Postgres refuse rows of a table for a user, as a fault that only this user's work meets."""
    made = []

    def refuse(table, user_id, *, code="22000", condition="true"):
        name = f"refuse_{table}_{user_id}"
        made.append((name, table))
        database.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF NEW.user_id = '{user_id}' AND ({condition}) THEN "
            f"RAISE EXCEPTION 'refused' USING ERRCODE = '{code}'; END IF; RETURN NEW; END $$"
        )
        database.execute(f"GRANT EXECUTE ON FUNCTION {name} TO PUBLIC")
        database.execute(
            f"CREATE TRIGGER {name} BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()"
        )

    yield refuse
    for name, table in made:
        database.execute(f"DROP TRIGGER {name} ON {table}")
        database.execute(f"DROP FUNCTION {name}()")


def _states(database):
    return dict(database.execute("SELECT user_id, state FROM batches ORDER BY user_id, user_seq").fetchall())


@pytest.mark.parametrize("code", ["22000", "23514", "54000", "XX000", "P0001"])
def test_a_user_whose_batches_cannot_be_cut_stops_nobody(settings, pipeline, database, refused, hot_store, code):
    refused("batches", "ana", code=code)
    users = ["ana", *(f"user-{number}" for number in range(6))]
    for user_id in users:
        MemoryClient(user_id, settings=settings).write("user", "I like tea.")
    for _ in range(3):
        pipeline.sweep()
        while pipeline.hints.waiting:
            pipeline.step()
    assert set(_states(database)) == set(users) - {"ana"}
    assert set(_states(database).values()) == {"applied"}
    # The fault is the cut's and not the turn's: nothing of it is a dead letter.
    assert database.execute("SELECT count(*) FROM dead_entries").fetchone() == (0,)
    database.execute("ALTER TABLE batches DISABLE TRIGGER refuse_batches_ana")
    pipeline.settle()
    assert _states(database)["ana"] == "applied"


def test_an_import_that_cannot_be_cut_stops_no_other(settings, pipeline, database, refused, write_file, command):
    refused("batches", "ana", condition="NEW.cut_by = 'import'")
    line = {"session": "s", "role": "user", "content": "I like tea.", "at": "2020-01-01T00:00:00Z"}
    assert (
        command("import", write_file(line | {"user": "ana"}, line | {"user": "ben"}, line | {"user": "eve"})).code == 0
    )
    for _ in range(4):
        pipeline.sweep()
        while pipeline.hints.waiting:
            pipeline.step()
    assert _states(database) == {"ben": "applied", "eve": "applied"}


@pytest.mark.parametrize(("code", "reason"), [("22000", "not_storable"), ("54000", "not_storable")])
@pytest.mark.parametrize(("table", "stage"), [("facts", "apply"), ("candidates", "extract"), ("vectors", "embed")])
def test_what_a_batch_cannot_store_makes_it_dead_at_once_and_its_user_goes_on(
    settings, pipeline, database, refused, command, table, stage, code, reason
):
    refused(table, "ana", code=code)
    memory = MemoryClient("ana", settings=settings)
    memory.write("user", "I live in Porto.")
    MemoryClient("ben", settings=settings).write("user", "I live in Rome.")
    pipeline.settle()
    assert _states(database) == {"ana": "dead", "ben": "applied"}
    [row] = command.json("dead", "list")
    assert (
        row["reason"] == f"{reason}: {'DataException' if code == '22000' else 'ProgramLimitExceeded'}, SQLSTATE {code}"
    )
    database.execute(f"ALTER TABLE {table} DISABLE TRIGGER refuse_{table}_ana")
    memory.write("user", "I own a boat.")
    pipeline.settle()
    assert command("dead", "replay", row["batch_id"]).out == "1 replayed\n"
    pipeline.settle()
    assert {text for (text,) in database.execute("SELECT text FROM facts WHERE user_id = 'ana'")} >= {
        "The user lives in Porto."
    }


@pytest.mark.parametrize("code", ["57P01", "53100", "40001", "40P01", "57014", "42501", "42P01"])
def test_an_error_that_is_not_the_batch_s_uses_up_no_attempt(settings, pipeline, database, refused, code):
    refused("facts", "ana", code=code)
    MemoryClient("ana", settings=settings).write("user", "I live in Porto.")
    MemoryClient("ben", settings=settings).write("user", "I live in Rome.")
    met = set()
    for _ in range(3):
        pipeline.sweep()
        while pipeline.hints.waiting:
            try:
                pipeline.step()
            except psycopg.Error as error:
                met.add(error.sqlstate)
    assert met == {code}
    assert _states(database)["ben"] == "applied"
    assert database.execute("SELECT state, attempts FROM batches WHERE user_id = 'ana'").fetchall() == [
        ("extracted", 0)
    ]


def test_a_step_of_the_sweep_that_fails_does_not_keep_the_others_from_their_work(settings, pipeline, database, refused):
    refused("sessions", "ana", condition="NEW.summary_hinted_at IS DISTINCT FROM OLD.summary_hinted_at")
    for user_id in ("ana", "ben"):
        MemoryClient(user_id, settings=settings).write("user", "I live in Porto.")
    for _ in range(4):
        pipeline.sweep()
        while pipeline.hints.waiting:
            pipeline.step()
    assert set(_states(database).values()) == {"applied"}
    database.execute("UPDATE users SET slept_at = now() - interval '9 days'")
    assert pipeline.sweep()["sleep"] == 2


def test_dead_entries_are_listed_shown_replayed_and_discarded(settings, pipeline, hot_store, command, database):
    _entry(hot_store, "ana", "poison-1", content="I own\x00 a boat.")
    _entry(hot_store, "ana", "poison-2", content="I own\x00 a cat.")
    pipeline.settle()
    second, first = command.json("dead", "list")
    assert (first["kind"], first["item"], second["item"]) in (
        ("entry", "poison-1", "poison-2"),
        ("entry", "poison-2", "poison-1"),
    )
    assert "boat" not in json.dumps([first, second])
    assert command.json("status")["dead"]["count"] == 2
    assert command.json("dead", "list", "--reason", "not_storable") == [second, first]
    assert "content" not in command.json("dead", "show", first["dead_id"])
    assert "own" in command.json("dead", "show", first["dead_id"], "--content")["content"]
    assert first["dead_id"] in command("dead", "list").out
    assert command("dead", "discard", first["dead_id"]).out == "1 discarded\n"
    assert [row["dead_id"] for row in command.json("dead", "list")] == [second["dead_id"]]
    assert command.json("status")["dead"] == {
        "count": 1,
        "reasons": {second["reason"]: 1},
        "discarded": 1,
        "recent": 0,
        "is_mass_death": False,
    }
    # Replayed without a cure it is dead again, once; by its id a discarded one is replayed as well.
    assert command("dead", "replay", first["dead_id"], second["dead_id"]).out == "2 replayed\n"
    assert command.json("dead", "list") == []
    pipeline.settle()
    assert {row["dead_id"] for row in command.json("dead", "list")} == {first["dead_id"], second["dead_id"]}
    rows = database.execute("SELECT action, batch_id, details ->> 'dead_id' FROM audit_log ORDER BY 1, 3").fetchall()
    assert [action for action, _, _ in rows] == ["discard", "replay", "replay"]


def test_a_replayed_entry_becomes_a_turn_where_its_fault_has_passed(
    settings, pipeline, hot_store, database, refused, command
):
    refused("turns", "ana")
    MemoryClient("ana", settings=settings).write("user", "I live in Porto.", turn_id="t1")
    pipeline.settle()
    [row] = command.json("dead", "list")
    assert (row["kind"], row["item"]) == ("entry", "t1")
    database.execute("ALTER TABLE turns DISABLE TRIGGER refuse_turns_ana")
    command("dead", "replay", "--all", "--yes")
    pipeline.settle()
    assert database.execute("SELECT turn_id FROM turns").fetchall() == [("t1",)]
    assert [fact.text for fact in MemoryClient("ana", settings=settings).facts()] == ["The user lives in Porto."]
    assert command.json("dead", "list") == []


def test_dead_entries_are_exported_and_forgotten(settings, pipeline, hot_store, command, database):
    _entry(hot_store, "ana", "poison", content="I own\x00 a boat.")
    pipeline.settle()
    assert "poison" in command("export", "ana").out
    assert command("forget", "ana", "--yes").code == 0
    assert database.execute("SELECT count(*) FROM dead_entries").fetchone() == (0,)


def test_a_removal_that_cannot_be_carried_out_leaves_the_turn_hidden(settings, pipeline, hot_store, database, refused):
    memory = MemoryClient("ana", settings=settings)
    memory.write("user", "I live in Porto.", turn_id="t1")
    pipeline.settle()
    refused("turns", "ana", condition="NEW.removed_at IS NOT NULL")
    memory.remove("t1")
    pipeline.settle()
    assert memory.history() == [] and memory.recall("Porto") == []
    database.execute("ALTER TABLE turns DISABLE TRIGGER refuse_turns_ana")
