"""What cannot be stored is set aside by itself: everybody who shares a transaction with it goes on."""

from __future__ import annotations

import json

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
    assert pending.read(hot_store, [SessionScope("default", "ana", "default")], limit=10).entries == {
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
