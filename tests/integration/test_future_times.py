"""A time in the future is refused at every door, and what is stored is ordered by a clock that can be trusted."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from afterturn import turns
from afterturn.errors import InFuture
from afterturn.hot import pending
from afterturn.importing.lines import LineDefaults, LineProblem, LineReader
from afterturn.scopes import SessionScope
from api_shim import MemoryClient


def _in(**ahead):
    return datetime.now(UTC) + timedelta(**ahead)


@pytest.mark.parametrize("ahead", [{"hours": 8}, {"minutes": 6}, {"days": 100_000}])
def test_a_turn_of_the_future_is_refused_and_nothing_is_stored(settings, hot_store, ahead):
    memory = MemoryClient("ana", settings=settings)
    with pytest.raises(InFuture, match="AFTERTURN_FUTURE_LIMIT_SECONDS") as caught:
        memory.write("user", "I live in Porto.", occurred_at=_in(**ahead))
    assert caught.value.code == "in_future"
    with pytest.raises(InFuture):
        memory.write_many(
            [
                {"role": "user", "content": "I live in Rome."},
                {"role": "user", "content": "I live in Porto.", "occurred_at": _in(**ahead)},
            ]
        )
    assert hot_store.dbsize() == 0


def test_the_limit_is_a_setting_and_a_clock_that_is_a_little_ahead_is_accepted(settings, hot_store):
    MemoryClient("ana", settings=settings).write("user", "Hello", occurred_at=_in(minutes=4))
    narrow = settings.model_copy(update={"future_limit_seconds": 10.0})
    with pytest.raises(InFuture):
        MemoryClient("ana", settings=narrow).write("user", "Hello", occurred_at=_in(minutes=4))
    wide = settings.model_copy(update={"future_limit_seconds": 86_400.0})
    MemoryClient("ana", settings=wide).write("user", "Hello", occurred_at=_in(hours=8))


def test_an_import_names_the_lines_of_the_future(settings):
    lines = [
        json.dumps({"role": "user", "content": "x", "at": at.isoformat()}).encode()
        for at in (_in(hours=-1), _in(hours=8), _in(minutes=1))
    ]
    defaults = LineDefaults(tenant_id="default", user_id="ana", session_id="old")
    read = list(LineReader(defaults, limit_bytes=10_000).read_lines(lines))
    problems = [line for line in read if isinstance(line, LineProblem)]
    assert [(problem.number, problem.code) for problem in problems] == [(2, "in_future")]
    assert "AFTERTURN_FUTURE_LIMIT_SECONDS" in problems[0].message


def test_the_import_command_and_the_http_api_refuse_the_future(command, write_file, api):
    path = write_file({"user": "ana", "session": "s", "role": "user", "content": "x", "at": _in(hours=8).isoformat()})
    ended = command("import", path)
    assert ended.code != 0 and "in_future" in ended.error
    answer = api.post(
        "/v1/users/ana/sessions/s/turns",
        json={"turns": [{"role": "user", "content": "x", "occurred_at": _in(hours=8).isoformat()}]},
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "in_future")


def _write(hot_store, text, at, **more):
    """Write a turn as a host does whose clock shows `at`."""
    payload = {"v": 1, "id": text, "role": "user", "content": text, "name": "Ana", "at": at.timestamp()} | more
    pending.append(hot_store, SessionScope("default", "ana", "default"), text, json.dumps(payload).encode())


def _current(settings):
    return sorted(fact.text for fact in MemoryClient("ana", settings=settings).facts())


@pytest.mark.parametrize(
    ("first_ahead", "second_ahead", "stamped"),
    [
        # What an older release accepted: eight hours ahead.
        ({"hours": 8}, {}, False),
        # Hosts whose clocks are ahead and behind.
        ({"hours": 8}, {}, True),
        ({}, {"hours": -8}, True),
        ({"days": 30_000}, {"days": -3_000}, True),
    ],
)
def test_what_is_said_later_counts_whatever_the_clocks_of_the_hosts_show(
    settings, pipeline, hot_store, first_ahead, second_ahead, stamped
):
    marked = {"stamped": True} if stamped else {}
    _write(hot_store, "I live in Rome.", _in(**first_ahead), **marked)
    pipeline.settle()
    time.sleep(0.01)
    _write(hot_store, "I live in Porto.", _in(**second_ahead), **marked)
    pipeline.settle()
    assert _current(settings) == ["Ana lives in Porto."]


def test_a_time_of_the_past_that_the_caller_gives_stays_as_it_is(settings, pipeline, database):
    said_at = datetime(2019, 5, 1, 12, tzinfo=UTC)
    MemoryClient("ana", settings=settings).write("user", "I live in Rome.", occurred_at=said_at)
    pipeline.settle()
    assert database.execute("SELECT occurred_at FROM turns").fetchone() == (said_at,)


def test_only_a_time_that_the_caller_did_not_give_is_marked():
    _, stamped = turns.make_payload("user", "x", limit_bytes=1_000)
    _, given = turns.make_payload("user", "x", limit_bytes=1_000, occurred_at=_in(hours=-1))
    assert json.loads(stamped)["stamped"] is True and "stamped" not in json.loads(given)
    made = turns.make_turn("user", "x", limit_bytes=1_000)
    assert turns.decode(turns.encode(made, limit_bytes=1_000)).is_stamped
