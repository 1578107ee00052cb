"""A summary or a sleep that fails unexpectedly is counted, ends as a dead letter, and one command replays it."""

import pytest

from afterturn import faults
from afterturn.batches import leases
from afterturn.errors import ModelUnavailable
from afterturn.pipeline.stages import sleep, summarize
from afterturn.scopes import SessionScope, UserScope
from api_shim import MemoryClient

ANA = UserScope("default", "ana")
SESSION = SessionScope("default", "ana", "default")
DEFECT = "a defect of this program"
WORK = {
    "summary": lambda pipeline: summarize.summarize(pipeline.runtime, SESSION),
    "sleep": lambda pipeline: sleep.sleep(pipeline.runtime, ANA) is not None,
}
#: Where the work fails, in the transaction that commits it.
FAILS_AT = {"summary": "summarize.before_commit", "sleep": "sleep.before_commit"}
HANDED_OUT = {"summary": "summarize", "sleep": "sleep"}


@pytest.fixture(params=sorted(WORK))
def kind(request, settings, pipeline, database):
    """The kind of work; a user owes it, and its runs are due."""
    MemoryClient("ana", settings=settings).write("user", "I live in Porto.", name="Ana")
    pipeline.settle()
    database.execute(
        "UPDATE sessions SET summarized_through = 0, summary_hinted_at = NULL;"
        "UPDATE users SET slept_at = now() - interval '9 days', sleep_hinted_at = NULL, slept_version = 0"
    )
    return request.param


@pytest.fixture
def fails(kind, monkeypatch):
    """Let the work fail from now on with an error; None: not any more."""

    def set_error(error):
        def reach(point):
            if point == FAILS_AT[kind] and error is not None:
                raise error

        monkeypatch.setattr(faults, "point", reach)

    return set_error


def rows(database):
    return database.execute("SELECT kind, attempts, retry_at IS NULL, reason FROM failed_work").fetchall()


def handed_out(pipeline, database, kind):
    """Sweep once, as if the last hint was long ago; return whether the work was handed out."""
    database.execute("UPDATE sessions SET summary_hinted_at = NULL; UPDATE users SET sleep_hinted_at = NULL")
    pipeline.hints.waiting.clear()
    pipeline.sweep()
    stages = [stage for stage, _ in pipeline.hints.waiting]
    pipeline.hints.waiting.clear()
    return HANDED_OUT[kind] in stages


def run_and_fail(pipeline, kind):
    with pytest.raises(RuntimeError, match=DEFECT):
        WORK[kind](pipeline)


def test_each_failure_is_counted_and_the_last_one_is_a_dead_letter(settings, pipeline, database, command, kind, fails):
    fails(RuntimeError(DEFECT))
    assert handed_out(pipeline, database, kind)
    for attempt in range(1, settings.attempts + 1):
        run_and_fail(pipeline, kind)
        is_last = attempt == settings.attempts
        [row] = rows(database)
        assert row[:3] == (kind, attempt, is_last)
        assert "RuntimeError" in row[3]
        assert DEFECT not in row[3], "an error may repeat content"
        assert not handed_out(pipeline, database, kind), "it waits for its pause, or for a person"
        database.execute("UPDATE failed_work SET retry_at = now() WHERE retry_at IS NOT NULL")
        assert handed_out(pipeline, database, kind) is not is_last
    [listed] = command.json("dead", "list")
    assert (listed["kind"], listed["attempts"]) == (kind, settings.attempts)
    assert command.json("dead", "show", listed["dead_id"])["reason"] == row[3]
    assert command.json("status")["dead"]["count"] == 1
    fails(None)
    assert command("dead", "replay", listed["dead_id"]).code == 0
    assert handed_out(pipeline, database, kind)
    assert WORK[kind](pipeline)
    assert rows(database) == []


def test_a_success_after_a_failure_forgets_it(pipeline, database, kind, fails):
    fails(RuntimeError(DEFECT))
    run_and_fail(pipeline, kind)
    fails(None)
    assert WORK[kind](pipeline)
    assert rows(database) == []


def test_a_discarded_one_is_counted_no_more(settings, pipeline, database, command, kind, fails):
    fails(RuntimeError(DEFECT))
    for _ in range(settings.attempts):
        run_and_fail(pipeline, kind)
    [listed] = command.json("dead", "list")
    assert command("dead", "discard", listed["dead_id"]).out == "1 discarded\n"
    assert command.json("dead", "list") == []
    assert command.json("status")["dead"]["discarded"] == 1
    assert not handed_out(pipeline, database, kind)


def test_an_endpoint_that_is_away_uses_up_no_attempt(pipeline, database, kind, fails):
    fails(ModelUnavailable("it is away"))
    assert not WORK[kind](pipeline)
    assert rows(database) == []
    assert database.execute("SELECT count(*) FROM leases").fetchone() == (0,)
    fails(None)
    assert WORK[kind](pipeline)


def test_a_worker_that_lost_its_lease_counts_no_failure(pipeline, database, kind, monkeypatch):
    def reach(point):
        if point == FAILS_AT[kind]:
            raise RuntimeError(DEFECT)

    monkeypatch.setattr(faults, "point", reach)
    real = leases.release
    released = []

    def release(connection, lease):
        released.append(lease)
        if len(released) == 2:  # the first one is rolled back with the work
            database.execute("UPDATE leases SET token = nextval('lease_tokens')")
        real(connection, lease)

    monkeypatch.setattr(leases, "release", release)
    run_and_fail(pipeline, kind)
    assert len(released) == 2
    assert rows(database) == []


def test_a_message_that_came_while_a_needless_one_had_the_lease_is_not_waited_for(
    settings, pipeline, database, monkeypatch
):
    MemoryClient("ana", settings=settings).write("user", "I live in Porto.", name="Ana")
    pipeline.settle()
    real = leases.try_release

    def owe_then_release(connection, lease):
        # Meanwhile another batch is applied, and the sweep sends a message, which finds the session leased.
        database.execute("UPDATE sessions SET summarized_through = 0, summary_hinted_at = now()")
        assert not summarize.summarize(pipeline.runtime, SESSION)
        monkeypatch.setattr(leases, "try_release", real)
        real(connection, lease)

    monkeypatch.setattr(leases, "try_release", owe_then_release)
    assert not summarize.summarize(pipeline.runtime, SESSION), "there is nothing to do"
    pipeline.sweep()
    assert "summarize" in [stage for stage, _ in pipeline.hints.waiting], "at once, and not after half a minute"


def test_failures_are_exported_and_forgotten(pipeline, database, kind, fails, command):
    fails(RuntimeError(DEFECT))
    run_and_fail(pipeline, kind)
    assert "failed_work" in command("export", "ana").out
    fails(None)
    assert command("forget", "ana", "--yes").code == 0
    assert rows(database) == []
