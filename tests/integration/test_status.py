"""`afterturn status`: every figure against a prepared state, its keys, its exit codes."""

import json
from functools import partial
from types import SimpleNamespace

import pytest

from afterturn.database import counters

STEPS = ("pending", "extracted", "unjudged", "embedded")
KEYS = {
    "": {
        *(
            "at",
            "tenant",
            "user",
            "away",
            "objective",
            "pending",
            "memory",
            "heartbeats",
            "breakers",
            "different_settings",
            "queues",
            "uncut",
        ),
        *("batches", "paused"),
        *(
            "dead",
            "leases",
            "summaries",
            "erasures",
            "imports",
            "counters",
            "freshness",
            "rejected",
            "today",
            "embeddings",
        ),
    },
    "objective": {"seconds", "oldest_seconds", "is_met"},
    "pending": {
        *("sessions", "oldest_seconds", "bytes", "largest_shard_bytes", "limit_bytes_per_shard", "is_alarming"),
    },
    "memory": {"used_bytes", "limit_bytes", "policy", "share", "is_alarming"},
    "heartbeats": {"is_working", "sweep_seconds", "stages_without_workers", "workers", "restarting"},
    "breakers": {"llm", "embedder", "next_embedder"},
    "uncut": {"sessions", "turns", "oldest_seconds"},
    "batches": {*STEPS},
    "paused": {"count", "until"},
    "dead": {"count", "reasons", "discarded", "recent", "is_mass_death"},
    "leases": {"held", "lapsed"},
    "summaries": {"owed"},
    "erasures": {"unfinished"},
    "imports": {"turns"},
    "freshness": {"minutes", "searchable_turns", "archived", "searchable", "stages"},
    "rejected": {"count", "reasons"},
    "today": {"calls", "prompt_tokens", "completion_tokens"},
    "embeddings": {"serving", "building", "warnings"},
}


pytestmark = pytest.mark.usefixtures("running_workers")


@pytest.fixture
def status(command):
    """Ask for the status in JSON; returns it, after a check of the exit code."""
    return partial(command.json, "status")


@pytest.fixture
def batch(database):
    """Add a batch of one turn that was acknowledged some seconds ago, in a session of its own."""

    def add(user_id="ana", *, state="pending", written=0.0, **columns):
        [(number,)] = database.execute("SELECT count(*) + 1 FROM batches").fetchall()
        session_id = f"s{number}"
        database.execute(
            "INSERT INTO users (tenant_id, user_id) VALUES ('default', %s) ON CONFLICT DO NOTHING", [user_id]
        )
        database.execute(
            "INSERT INTO sessions (tenant_id, user_id, session_id, next_position, cut_through)"
            " VALUES ('default', %s, %s, 2, 1)",
            [user_id, session_id],
        )
        database.execute(
            "INSERT INTO turns (tenant_id, user_id, session_id, position, turn_id, role, content, tokens, occurred_at,"
            " written_at) VALUES ('default', %s, %s, 1, 't', 'user', 'x', 1, now(), now() - make_interval(secs => %s))",
            [user_id, session_id, written],
        )
        more = "".join(f", {name}" for name in columns)
        values = "".join(f", {value}" for value in columns.values())
        database.execute(
            "INSERT INTO batches (tenant_id, user_id, batch_id, session_id, user_seq, first_position, last_position,"
            f" tokens, cut_by, state{more})"
            f" VALUES ('default', %s, gen_random_uuid(), %s, %s, 1, 1, 1, 'size', %s{values})",
            [user_id, session_id, number, state],
        )

    return add


def test_the_keys_are_always_the_same(status, settings):
    shown = status()
    assert shown.keys() == KEYS[""]
    for part, expected in KEYS.items():
        assert part == "" or shown[part].keys() == expected
    assert set(shown["breakers"]["llm"]) == {"state", "failures", "open_until", "wait_seconds"}
    assert set(shown["batches"]["pending"]) == {"count", "oldest_seconds"}
    assert list(shown["freshness"]["stages"]) == ["archive", "cut", "extract", "embed", "consolidate"]
    assert set(shown["freshness"]["archived"]) == {"p50", "p95"}


def test_where_nothing_is_owed_the_objective_is_met(status, settings):
    shown = status()
    assert shown["objective"] == {"seconds": 360.0, "oldest_seconds": None, "is_met": True}
    assert shown["away"] == {}
    assert shown["batches"] == {step: {"count": 0, "oldest_seconds": None} for step in STEPS}
    assert shown["breakers"]["llm"] == {"state": "closed", "failures": 0, "open_until": None, "wait_seconds": 0.0}


def test_turns_that_wait_for_a_cut(status, settings, database):
    database.execute(
        "INSERT INTO sessions (tenant_id, user_id, session_id, next_position, cut_through, uncut_since, cut_due_at)"
        " VALUES ('default', 'ana', 'a', 8, 4, now() - interval '20 s', now()),"
        " ('default', 'ana', 'b', 2, 1, NULL, NULL)"
    )
    shown = status()["uncut"]
    assert (shown["sessions"], shown["turns"]) == (1, 3)
    assert 20 <= shown["oldest_seconds"] < 30


def test_open_batches_by_step_with_the_age_of_their_oldest_turn(status, batch):
    batch(written=10)
    batch(written=30)
    batch(state="extracted", written=20)
    batch(state="extracted", embedded_at="now()", owes_judgement="true", written=50)
    batch(state="extracted", embedded_at="now()", written=40)
    batch(state="applied", applied_at="now()", written=500)
    batch(state="dead", reason="'internal: KeyError'", written=5000)
    shown = status()
    counts = [shown["batches"][step]["count"] for step in STEPS]
    ages = [round(shown["batches"][step]["oldest_seconds"], -1) for step in STEPS]
    assert (counts, ages) == ([2, 1, 1, 1], [30, 20, 50, 40])
    assert 50 <= shown["objective"]["oldest_seconds"] < 60


def test_paused_and_dead(status, command, batch):
    batch(paused_until="now() + interval '10 s'")
    batch(state="extracted", paused_until="now() + interval '60 s'")
    batch(paused_until="now() - interval '1 s'")
    for reason in ("answer_malformed: x", "answer_malformed: x", "internal: KeyError"):
        batch(state="dead", reason=f"'{reason}'")
    batch(state="dead", reason="'internal: KeyError'", discarded_at="now()")
    shown = status()
    assert (shown["paused"]["count"], shown["paused"]["until"] > shown["at"]) == (2, True)
    reasons = {"answer_malformed: x": 2, "internal: KeyError": 1}
    # Dead batches are a warning: the exit code is that of the objective.
    assert shown["dead"] == {"count": 3, "reasons": reasons, "discarded": 1, "recent": 0, "is_mass_death": False}
    table = command("status").out
    assert "answer_malformed: x: 2" in table and "(1 discarded)" in table


@pytest.mark.parametrize(
    ("dead", "applied", "code"),
    [(5, 20, 3), (4, 0, 0), (5, 60, 0)],
    ids=["many and a large share", "few", "a small share"],
)
def test_many_deaths_fail_the_status(command, batch, dead, applied, code):
    for _ in range(dead):
        batch(state="dead", reason="'model_refused: no'", dead_at="now() - interval '1 minute'")
    for _ in range(applied):
        batch(state="applied", applied_at="now() - interval '1 minute'")
    ended = command("status")
    assert ended.code == code
    assert (f"MASS DEATH: {dead} of {dead + applied} batches" in ended.out) == (code == 3)
    found = json.loads(command("status", "--json").out)["dead"]
    assert (found["recent"], found["is_mass_death"]) == (dead, code == 3)


def test_deaths_of_long_ago_and_discarded_ones_raise_no_alarm(command, batch):
    for _ in range(9):
        batch(state="dead", reason="'x'", dead_at="now() - interval '1 hour'")
        batch(state="dead", reason="'x'", dead_at="now()", discarded_at="now()")
    assert command("status").code == 0
    assert command("status", "--minutes", "90").code == 3


def test_leases_summaries_erasures_counters(status, database):
    database.execute(
        "INSERT INTO leases SELECT 'default', 'ana', 'batch', n::text, n, 'w', now() + n * interval '10 s', now()"
        " FROM unnest(ARRAY[-1, 1, 2]) AS n"
    )
    database.execute(
        "INSERT INTO sessions (tenant_id, user_id, session_id, applied_through, summarized_through)"
        " VALUES ('default', 'ana', 'a', 2, 1), ('default', 'ana', 'b', 2, 2)"
    )
    database.execute("INSERT INTO erasures (owner_hash, epoch, completed_at) VALUES ('a', 1, now()), ('b', 1, NULL)")
    for _ in range(2):
        counters.increment(database, counters.STALE_WRITES_REFUSED)
    shown = status()
    assert shown["leases"] == {"held": 2, "lapsed": 1}
    assert (shown["summaries"], shown["erasures"]) == ({"owed": 1}, {"unfinished": 1})
    assert shown["counters"] == {"stale_writes_refused": 2}


def test_freshness_by_stage_over_the_last_minutes(status, batch, database):
    for age in (0, 3600):
        batch(
            state="applied",
            written=age + 100,
            **{
                "created_at": f"now() - interval '{age + 60} s'",
                "extracted_at": f"now() - interval '{age + 50} s'",
                "embedded_at": f"now() - interval '{age + 45} s'",
                "applied_at": f"now() - interval '{age + 40} s'",
            },
        )
        database.execute(f"UPDATE turns SET archived_at = written_at + interval '{1 if age == 0 else 5} s'" + _NEWEST)
    fresh = status()["freshness"]
    assert (fresh["minutes"], fresh["searchable_turns"]) == (15, 1)
    assert _rounded(fresh["archived"], fresh["searchable"]) == [(1, 1), (60, 60)]
    assert _rounded(*fresh["stages"].values()) == [(1, 1), (39, 39), (10, 10), (5, 5), (5, 5)]
    assert status("--minutes", "120")["freshness"]["archived"] == {"p50": 3.0, "p95": pytest.approx(4.8)}
    assert status("--user", "ben")["freshness"]["searchable"] == {"p50": None, "p95": None}


_NEWEST = " WHERE session_id = (SELECT 's' || count(*) FROM batches)"


def _rounded(*delays):
    return [(round(delay["p50"]), round(delay["p95"])) for delay in delays]


def test_calls_of_today(status, database):
    database.execute(
        "INSERT INTO llm_calls (tenant_id, user_id, call_id, stage, session_id, model, prompt_tokens,"
        " completion_tokens, reserved_at)"
        " SELECT 'default', 'ana', gen_random_uuid(), 'extract', 's', 'm', 100, 7, moment"
        " FROM unnest(ARRAY[now(), now(), now() - interval '25 hours']) AS moment"
    )
    assert status()["today"] == {"calls": 2, "prompt_tokens": 200, "completion_tokens": 14}
    assert status("--user", "ben")["today"]["calls"] == 0


def test_one_user_is_shown_alone(status, batch):
    batch("ana", written=10)
    batch("ben", written=300)
    shown = status("--user", "ana")
    assert (shown["tenant"], shown["user"], shown["batches"]["pending"]["count"]) == ("default", "ana", 1)
    assert shown["objective"]["oldest_seconds"] < 20


def test_a_missed_objective_is_exit_code_1(status, command, batch, monkeypatch):
    batch(written=400)
    shown = status(code=1)
    assert shown["objective"]["is_met"] is False
    assert "MISSED" in command("status").out
    monkeypatch.setenv("AFTERTURN_FRESHNESS_OBJECTIVE_SECONDS", "500")
    assert status()["objective"]["seconds"] == 500


@pytest.mark.parametrize("form", [["--json"], []])
def test_watching_shows_it_again_and_again_until_ctrl_c(command, settings, monkeypatch, form):
    looks = iter([None, None, KeyboardInterrupt()])

    def sleep(seconds):
        if interrupt := next(looks):
            raise interrupt

    monkeypatch.setattr("api_shim.cli.status.time", SimpleNamespace(sleep=sleep))
    ended = command("status", "--watch", *form)
    assert (ended.code, "objective" in ended.out) == (0, True)
    if form:
        assert [json.loads(line)["objective"]["is_met"] for line in ended.out.splitlines()] == [True] * 3
