"""An endpoint that fails everybody is waited for; a batch that fails alone ends as a dead letter."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from api_shim import MemoryClient
from harness.chaos import conversation, outages
from harness.chaos.lane import FIXED, QUICK
from harness.llm_server import LLMServer
from harness.pipeline import Pipeline

#: What an endpoint may do to everybody.
GARBAGE = {
    "prose": {"what": "prose"},
    "empty answers": {"what": "empty"},
    "another form": {"what": "wrong_schema"},
    "a refusal": {"what": "refusal"},
    "a bare 400": {"what": "status", "status": 400, "message": "Bad Request"},
    "a 400: model deprecated": {"what": "status", "status": 400, "message": "The model m-1 has been deprecated."},
    "a 418": {"what": "status", "status": 418},
    "401": {"what": "status", "status": 401},
    "403": {"what": "status", "status": 403},
    "404": {"what": "status", "status": 404},
    "every input is too long": {"what": "context_length"},
    "every answer is too long": {"what": "length"},
}


@pytest.fixture
def llm() -> Iterator[LLMServer]:
    server = LLMServer(answer=conversation.answer)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def pipeline(settings, llm, hot_store, monkeypatch) -> Iterator[Pipeline]:
    # Pauses of a second instead of half a minute.
    monkeypatch.setattr("afterturn.endpoints.breaker.SHORTEST_PAUSE_SECONDS", 0.1)
    monkeypatch.setattr("afterturn.endpoints.breaker.LONGEST_PAUSE_SECONDS", 0.5)
    given = settings.model_dump(exclude_unset=True) | FIXED | QUICK
    ours = type(settings)(**given | {"llm_base_url": llm.base_url, "attempts": 3, "retry_seconds": 0.05})
    with Pipeline(ours) as opened:
        yield opened


def say(pipeline: Pipeline, user_id: str, *texts: str) -> None:
    memory = MemoryClient(user_id, settings=pipeline.settings)
    memory.write_many({"role": "user", "content": text} for text in texts)
    memory.flush()


def work(pipeline: Pipeline, until: Callable[[], bool], *, seconds: float) -> bool:
    """Work until something is so, at most for some seconds. Return whether it is."""
    ends_at = time.monotonic() + seconds
    while not until() and time.monotonic() < ends_at:
        pipeline.settle()
        time.sleep(0.05)
    return until()


def states(database, user_id: str = "%") -> list[str]:
    rows = database.execute(
        "SELECT state FROM batches WHERE user_id LIKE %s ORDER BY user_id, user_seq", (user_id,)
    ).fetchall()
    return [state for (state,) in rows]


@pytest.mark.parametrize("kind", GARBAGE)
def test_an_endpoint_that_refuses_everybody_kills_nobody(pipeline, llm, database, kind: str):
    say(pipeline, "before", "I own a boat.")
    pipeline.settle()
    llm.fail(**GARBAGE[kind], on="chat")
    llm.forget()
    users = [f"user-{number}" for number in range(6)]
    for number, user in enumerate(users):
        say(pipeline, user, f"I own {number} boats.")
    work(pipeline, lambda: "dead" in states(database), seconds=3)

    assert states(database) == ["applied", *["pending"] * 6]
    # The breaker is open: after the first refusals, single calls probe.
    assert len(llm.requests) <= 70
    llm.heal()
    assert work(pipeline, lambda: set(states(database)) == {"applied"}, seconds=60), states(database)
    assert database.execute("SELECT count(*) FROM batches WHERE reason IS NOT NULL").fetchone() == (0,)
    facts = database.execute("SELECT count(*) FROM facts WHERE text LIKE '%%boats%%'").fetchone()
    assert facts == (6,)


def test_a_batch_that_is_refused_among_others_ends_dead(pipeline, llm, database):
    llm.fail("status", status=400, message="Bad Request", on="chat", containing="POISON")
    say(pipeline, "ana", "This is POISON to it.")
    number = 0

    def is_dead() -> bool:
        nonlocal number
        number += 1
        say(pipeline, "ben", f"I own {number} boats.")
        return states(database, "ana") == ["dead"]

    assert work(pipeline, is_dead, seconds=60)
    pipeline.settle()
    assert set(states(database, "ben")) == {"applied"}
    # The turn before is part of the next prompt.
    llm.heal()
    say(pipeline, "ana", "I live in Porto.")
    assert work(pipeline, lambda: states(database, "ana") == ["dead", "applied"], seconds=60)


@pytest.mark.parametrize(
    "fault", [{"what": "prose"}, {"what": "refusal"}, {"what": "context_length"}, {"what": "empty"}]
)
def test_a_batch_that_is_refused_alone_ends_dead_after_a_check_of_the_endpoint(pipeline, llm, database, fault):
    llm.fail(**fault, on="chat", containing="POISON")
    say(pipeline, "ana", "This is POISON to it.")

    assert work(pipeline, lambda: states(database) == ["dead"], seconds=60)
    checks = [call for call in llm.calls("extract") if b"POISON" not in call.body]
    assert len(checks) == 1


def test_ten_batches_that_are_all_refused_end_too(pipeline, llm, database):
    """The check succeeds, but every input is refused: attempts come to an end."""
    llm.fail("prose", on="chat", containing="POISON")
    for number in range(10):
        say(pipeline, f"user-{number}", "This is POISON to it.")

    assert work(pipeline, lambda: states(database) == ["dead"] * 10, seconds=60), states(database)


def test_an_unusable_answer_that_was_stored_is_asked_for_again(pipeline, llm, database):
    """A batch in doubt does not die of the garbage that the endpoint gave it before."""
    say(pipeline, "before", "I own a boat.")
    pipeline.settle()
    llm.fail("prose", on="chat")
    say(pipeline, "ana", "I live in Porto.")
    work(pipeline, lambda: False, seconds=0.5)
    attempts = database.execute("SELECT max(attempt) FROM answers").fetchone()[0]
    llm.heal()

    assert work(pipeline, lambda: states(database, "ana") == ["applied"], seconds=60)
    assert database.execute("SELECT max(attempt) FROM answers").fetchone()[0] == attempts + 1
    assert database.execute("SELECT count(*) FROM facts WHERE text LIKE '%%Porto%%'").fetchone() == (1,)


@pytest.mark.parametrize("kind", ["prose", "a bare 400", "a refusal"])
def test_a_judgement_waits_while_everybody_is_refused(pipeline, llm, database, kind: str):
    for user in ("ana", "ben", "cleo"):
        say(pipeline, user, "I sing in a choir.")
    pipeline.settle()
    llm.fail(**GARBAGE[kind], on="judge")
    llm.fail(**GARBAGE[kind], on="extract", containing="I moved to Lisbon in May")
    for user in ("ana", "ben", "cleo"):
        say(pipeline, user, "I have lost my voice.")
    work(pipeline, lambda: False, seconds=2)
    by_rules = database.execute("SELECT count(*) FROM judgements").fetchone()[0]
    assert by_rules <= 1, "only the first one cannot know that it is everybody"
    llm.heal()
    assert work(pipeline, lambda: set(states(database)) == {"applied"}, seconds=60)
    assert database.execute("SELECT count(*) FROM judgements").fetchone() == (3,)


def test_an_embedder_that_refuses_everybody_kills_nobody(settings, llm, hot_store, database, monkeypatch):
    monkeypatch.setattr("afterturn.endpoints.breaker.SHORTEST_PAUSE_SECONDS", 0.1)
    monkeypatch.setattr("afterturn.endpoints.breaker.LONGEST_PAUSE_SECONDS", 0.5)
    given = settings.model_dump(exclude_unset=True) | FIXED | QUICK | outages.EMBEDDER_SETTINGS
    ours = type(settings)(**given | {"llm_base_url": llm.base_url, "retry_seconds": 0.05})
    change = "UPDATE embedding_spaces SET provider = %s, model = %s, dimension = %s"
    before = database.execute("SELECT provider, model, dimension FROM embedding_spaces").fetchone()
    database.execute(change, ("openai", "m-1", 64))
    try:
        with Pipeline(ours) as pipeline:
            llm.fail("status", status=400, message="Bad Request", on="embeddings")
            for number in range(5):
                say(pipeline, f"user-{number}", f"I own {number} boats.")
            work(pipeline, lambda: "dead" in states(database), seconds=3)
            assert states(database) == ["extracted"] * 5
            llm.heal()
            llm.fail("status", status=400, message="Bad Request", on="embeddings", containing="I own 3 boats")
            # What is refused while others succeed has no vector; its batch goes on without it.
            assert work(pipeline, lambda: set(states(database)) == {"applied"}, seconds=60)
            refused = database.execute("SELECT DISTINCT user_id FROM missing_vectors WHERE retry_at IS NULL").fetchall()
            assert refused == [("user-3",)]
    finally:
        database.execute(change, before)
