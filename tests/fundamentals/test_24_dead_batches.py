"""A batch that cannot be processed is dead, with its reason. An operator reads, replays or discards it."""

import getpass
import json
from uuid import uuid4

import pytest

from afterturn.errors import ModelRefused
from api_shim import MemoryClient
from tests.fundamentals.scripted import Scripted

GOOD = json.dumps({"facts": [{"text": "Ana lives in Porto.", "evidence": [{"turn": 1, "quote": "Porto"}]}]})
NOTHING = '{"facts": []}'


@pytest.fixture
def answers(pipeline):
    """Return a function that sets the answer of the extractor."""

    def use(*given, model="scripted"):
        extractor = pipeline.runtime.__dict__["extractor"] = Scripted(*given, model=model)
        return extractor

    return use


@pytest.fixture
def batch(database):
    """Return a function that reads the columns of the only batch."""

    def read(*columns):
        return database.execute(f"SELECT {', '.join(columns)} FROM batches ORDER BY first_position LIMIT 1").fetchone()

    return read


@pytest.fixture
def dead(settings, pipeline, answers, batch):
    """The id of Ana's first batch, which is dead after two malformed answers."""
    answers("not json", "nor this")
    MemoryClient("ana", settings=settings).write("user", "I live in Porto")
    pipeline.settle()
    assert batch("state") == ("dead",)
    return str(batch("batch_id")[0])


def test_dead_batches_are_listed_with_their_reason_and_without_content(command, dead):
    listed = command("dead", "list")
    assert (listed.code, dead in listed.out, "answer_malformed" in listed.out) == (0, True, True)
    assert "Porto" not in listed.out
    [row] = json.loads(command("dead", "list", "--json").out)
    assert (row["batch_id"], row["user_id"], row["turns"], row["attempts"]) == (dead, "ana", 1, 1)
    assert row["dead_at"] is not None and row["discarded_at"] is None
    assert json.loads(command("dead", "list", "--json", "--reason", "answer_").out) == [row]
    assert json.loads(command("dead", "list", "--json", "--user", "ana").out) == [row]
    for narrow in (["--reason", "model_refused"], ["--user", "ben"], ["--tenant", "other"]):
        assert json.loads(command("dead", "list", "--json", *narrow).out) == []


def test_one_batch_is_shown_with_its_content_only_when_asked(command, dead, database):
    database.execute(
        "INSERT INTO llm_calls (tenant_id, user_id, call_id, stage, session_id, batch_id, model, prompt_tokens)"
        " SELECT tenant_id, user_id, gen_random_uuid(), 'extract', session_id, batch_id, 'm', 100 FROM batches"
    )
    shown = json.loads(command("dead", "show", dead, "--json").out)
    assert (shown["state"], shown["user_seq"], shown["calls"], shown["prompt_tokens"]) == ("dead", 1, 1, 100)
    assert "content" not in shown
    assert "Porto" not in command("dead", "show", dead).out
    assert "I live in Porto" in command("dead", "show", dead, "--content").out
    [said] = json.loads(command("dead", "show", dead, "--content", "--json").out)["content"]
    assert (said["position"], said["content"]) == (1, "I live in Porto")


def test_a_replayed_batch_starts_again_after_the_present_batches(settings, pipeline, command, dead, answers, batch):
    answers(NOTHING)
    memory = MemoryClient("ana", settings=settings)
    memory.write("user", "Hello")
    pipeline.settle()
    extractor = answers(GOOD)
    assert command("dead", "replay", dead).out == "1 replayed\n"
    assert batch("state", "user_seq", "attempts", "successes_seen", "paused_until", "reason") == (
        *("pending", 3, 0, None, None),
        None,
    )
    pipeline.settle()
    assert batch("state", "user_seq", "batch_id::text") == ("applied", 3, dead)
    assert "Ana lives in Porto." in [found.text for found in memory.recall("Porto")]
    assert extractor.calls == 1
    memory.write("user", "Goodbye")
    answers(NOTHING)
    pipeline.settle()
    assert pipeline.runtime.enqueue.waiting == type(pipeline.runtime.enqueue.waiting)()


def test_a_replay_is_audited_with_its_reason_and_without_content(command, dead, database):
    command("dead", "replay", dead)
    rows = database.execute(
        "SELECT tenant_id, user_id, action, batch_id::text, actor, details FROM audit_log"
    ).fetchall()
    [(tenant_id, user_id, action, batch_id, actor, details)] = rows
    assert (tenant_id, user_id, action, batch_id) == ("default", "ana", "replay", dead)
    assert actor == getpass.getuser()
    assert details["reason"].startswith("answer_malformed")
    assert (details["user_seq"], details["new_user_seq"], details["answers_dropped"]) == (1, 2, 2)


def test_a_stored_answer_that_can_be_used_is_not_paid_for_again(settings, pipeline, command, answers, batch, database):
    answers(GOOD)
    MemoryClient("ana", settings=settings).write("user", "I live in Porto")
    pipeline.runtime.__dict__["embedder_breaker"] = _Refusing()
    pipeline.settle()
    assert batch("state") == ("dead",)
    del pipeline.runtime.__dict__["embedder_breaker"]
    # This is also true if the configured model is another one.
    extractor = answers(model="another")
    command("dead", "replay", "--all", "--yes")
    assert batch("state", "model") == ("extracted", "scripted")
    pipeline.settle()
    assert (batch("state"), extractor.calls) == (("applied",), 0)
    assert database.execute("SELECT text FROM facts").fetchall() == [("Ana lives in Porto.",)]


class _Refusing:
    """An endpoint that refuses every call."""

    def call(self, function, *, caller):
        raise ModelRefused("no")

    def is_open(self):
        return False


def test_only_the_unusable_half_is_requested_again(settings, pipeline, command, answers, database):
    from afterturn.errors import AnswerTruncated

    answers(AnswerTruncated(), NOTHING, "not json", "nor this")
    MemoryClient("ana", settings=settings).write_many({"role": "user", "content": text} for text in ("one", "two"))
    pipeline.settle()
    extractor = answers(NOTHING)
    command("dead", "replay", "--all")
    pipeline.settle()
    assert extractor.calls == 1
    assert database.execute("SELECT state FROM batches").fetchall() == [("applied",)]


def test_replaying_twice_does_it_once(command, dead, batch):
    assert command("dead", "replay", dead, dead).out == "1 replayed\n"
    again = command("dead", "replay", dead)
    assert (again.code, again.out) == (0, "0 replayed; 1 skipped: no longer dead\n")
    assert command("dead", "replay", "--all").out == "0 replayed\n"
    assert batch("user_seq") == (2,)


def test_all_of_one_reason_keep_their_order(settings, pipeline, command, answers, database):
    memory = MemoryClient("ana", settings=settings)
    for number, answer in enumerate([ModelRefused("a"), ModelRefused("b"), ModelRefused("c")]):
        answers(answer if number != 1 else "not json", "nor this")
        memory.write("user", f"No. {number}")
        pipeline.settle()
    assert command("dead", "replay", "--all", "--reason", "model_refused").out == "2 replayed\n"
    rows = database.execute("SELECT state, user_seq FROM batches ORDER BY first_position").fetchall()
    assert rows == [("pending", 4), ("dead", 2), ("pending", 5)]
    assert database.execute("SELECT next_user_seq FROM users").fetchone() == (6,)


def test_a_discarded_batch_stays_dead_and_is_no_longer_counted(command, dead, database):
    assert command("dead", "discard", dead).out == "1 discarded\n"
    again = command("dead", "discard", "--all", "--yes")
    assert (again.code, again.out) == (0, "0 discarded\n")
    assert database.execute("SELECT state, reason IS NOT NULL FROM batches").fetchone() == ("dead", True)
    assert json.loads(command("dead", "list", "--json").out) == []
    assert len(json.loads(command("dead", "list", "--json", "--discarded").out)) == 1
    assert json.loads(command("status", "--json").out)["dead"] == {
        "count": 0,
        "reasons": {},
        "discarded": 1,
        "recent": 0,
        "is_mass_death": False,
    }
    assert database.execute("SELECT action, details ->> 'user_seq' FROM audit_log").fetchall() == [("discard", "1")]
    # --all does not select it; its id still does.
    assert command("dead", "replay", "--all").out == "0 replayed\n"
    assert command("dead", "replay", dead).out == "1 replayed\n"
    assert database.execute("SELECT state, discarded_at FROM batches").fetchone() == ("pending", None)


@pytest.mark.parametrize("action", ["show", "replay", "discard"])
def test_an_unknown_batch_is_refused_by_its_id_and_nothing_is_done(command, dead, batch, action):
    unknown = str(uuid4())
    ended = command("dead", action, unknown, *([] if action == "show" else [dead]))
    assert (ended.code, ended.out) == (2, "")
    assert f"no such batch: {unknown}" in ended.error
    assert batch("state", "discarded_at") == ("dead", None)


@pytest.mark.parametrize("arguments", [[], ["--all", "ID"], ["ID", "--user", "ana"], ["not-an-id"]])
def test_ambiguous_arguments_are_refused(command, dead, batch, arguments):
    ended = command("dead", "replay", *(dead if argument == "ID" else argument for argument in arguments))
    assert ended.code == 2
    assert batch("state") == ("dead",)


def test_on_a_terminal_all_needs_confirmation(command, dead, batch, monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.confirm", _refuse)
    assert command("dead", "discard", "--all").code == 1
    assert batch("discarded_at") == (None,)
    assert command("dead", "discard", "--all", "--yes").code == 0


def _refuse(question, *, abort):
    import typer

    assert question.startswith("Discard 1 dead (1 answer_malformed")
    raise typer.Abort
