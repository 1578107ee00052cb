"""Trials of poison: data that cannot be stored, read or embedded, among the data of all other users."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Any

import redis

from afterturn.hot import pending
from afterturn.scopes import SessionScope
from harness.chaos import conversation, trial
from harness.chaos.image import Image
from harness.chaos.lane import Lane
from harness.chaos.trial import Outcome, Stopwatch
from harness.chaos.worker_process import WorkerProcess
from harness.llm_server import prompt
from harness.waiting import wait_until

#: Payloads that Postgres refuses or this program cannot convert. Writes are validated; an older release accepted them.
PAYLOADS: tuple[dict[str, Any], ...] = (
    {"content": "I own\x00 a boat."},
    {"content": "I own \ud800 a boat."},
    {"content": 5},
    {"metadata": {"a": "\x00"}},
    {"metadata": {"a": float("inf")}},
    {"name": {"a": 1}},
    {"role": None},
)
#: Users besides those of the conversation; the comparison omits their rows.
_USER = "poison"

#: Values that a model returns in place of one fact.
MALFORMED: tuple[Any, ...] = (
    {"text": None, "evidence": []},
    {"text": "Invented."},
    {"text": "Invented.", "evidence": [{"turn": None, "quote": None}]},
    "Invented.",
    None,
    {"text": "Invented. " * 5_000, "evidence": [{"turn": "[1]", "quote": "I"}]},
)


def entries_that_cannot_be_stored(lane: Lane, expected: Image) -> Outcome:
    """Put poison entries before, between and after the turns of all users, and among those of other users."""
    lane.begin()
    with redis.Redis.from_url(lane.settings.redis_url) as client:
        written = _write_poison(client, "before")
        conversation.write(lane.settings, is_flushed=False)
        written += _write_poison(client, "after")
        conversation.flush(lane.settings)
    watch = Stopwatch()
    with lane.clock(), WorkerProcess(lane.settings, lane.directory, "only"):
        lane.wait_until_settled()
        wait_until(
            lambda: _count(lane, "dead_entries") == written, seconds=60, what=lambda: "entries are not set aside"
        )
    watch.settled()
    _forget_other_users(lane)
    return trial.concluded(
        lane, expected, f"{written} entries that cannot be stored", watch, injected=written, may_reorder=True
    )


def answers_that_cannot_be_read(lane: Lane, expected: Image) -> Outcome:
    """Let the model add unreadable candidates to every answer; they are counted, and no other fact is lost."""
    lane.begin()
    healthy = lane.llm.model._answer

    def answer(request: Mapping[str, Any]) -> Any:
        given = conversation.answer(request)
        if given is None or not prompt.shown_turns(request):
            return given
        return {**given, "facts": [*given["facts"], *MALFORMED], "episode": given["episode"] | {"outcome": "ongoing"}}

    lane.llm.model._answer = answer
    try:
        conversation.write(lane.settings)
        watch = Stopwatch()
        with lane.clock(), WorkerProcess(lane.settings, lane.directory, "only"):
            lane.wait_until_settled()
        watch.settled()
    finally:
        lane.llm.model._answer = healthy
    injected = _count(lane, "rejections")
    assert injected == conversation.BATCHES * len(MALFORMED), f"{injected} candidates were counted"
    _restore_answers(lane)
    return trial.concluded(lane, expected, "candidates that cannot be read", watch, injected=injected, may_reorder=True)


def text_that_the_embedder_refuses(lane: Lane, expected: Image) -> Outcome:
    """Let the embedder fail for one text, until everything else is applied."""
    lane.begin()
    lane.llm.fail("status", status=500, on="embeddings", containing="grey cat")
    conversation.write(lane.settings)
    watch = Stopwatch()
    with lane.clock(), WorkerProcess(lane.settings, lane.directory, "only"):
        lane.wait_until_settled()
        injected = _count(lane, "missing_vectors")
        lane.llm.heal()
        with lane.database() as connection:
            connection.execute("UPDATE missing_vectors SET retry_at = now()")
        wait_until(lambda: _count(lane, "missing_vectors") == 0, seconds=60, what=lambda: "vectors are missing")
    watch.settled()
    assert injected, "no text was refused"
    return trial.concluded(
        lane, expected, "a text that the embedder refuses", watch, injected=injected, may_reorder=True
    )


def _write_poison(client: redis.Redis, when: str) -> int:
    owners = [*conversation.SAID, *((f"{_USER}-{number}", "chat") for number in range(20))]
    for number, (user_id, session_id) in enumerate(owners):
        entry_id = f"{when}-{number}"
        payload = {"v": 1, "id": entry_id, "role": "user", "content": "I own a boat.", "at": 1_700_000_000.0}
        payload |= PAYLOADS[number % len(PAYLOADS)]
        session = SessionScope("default", user_id, session_id)
        pending.append(client, session, entry_id, json.dumps(payload).encode())
    # Ids of the largest size that an older release accepted: no index can contain all four of them.
    source = random.Random(when)
    wide = ["".join(chr(source.randint(0x10000, 0xEFFFF)) for _ in range(192)) for _ in range(4)]
    session = SessionScope(wide[0], f"{_USER}-{wide[1]}", wide[2])
    payload = {"v": 1, "id": wide[3], "role": "user", "content": "I own a boat.", "at": 1_700_000_000.0}
    pending.append(client, session, wide[3], json.dumps(payload).encode())
    return len(owners) + 1


def _count(lane: Lane, table: str) -> int:
    with lane.database() as connection:
        row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    return 0 if row is None else int(row[0])


def _forget_other_users(lane: Lane) -> None:
    """Delete the rows of the users who had only poison: the comparison covers the other users."""
    with lane.database() as connection:
        for table in ("sessions", "users"):
            query = f"DELETE FROM {table} WHERE user_id LIKE %s"
            connection.execute(query, (f"{_USER}-%",))


def _restore_answers(lane: Lane) -> None:
    """Remove what this trial added from the stored answers and from their counts."""
    with lane.database() as connection:
        connection.execute("DELETE FROM rejections")
        connection.execute("UPDATE episodes SET outcome = 'none'")
        for batch_id, text in connection.execute("SELECT batch_id, answer FROM answers").fetchall():
            answered = json.loads(text)
            answered["facts"] = answered["facts"][: -len(MALFORMED)]
            answered["episode"]["outcome"] = "none"
            restored = json.dumps(answered, ensure_ascii=False, separators=(",", ":"))
            connection.execute("UPDATE answers SET answer = %s WHERE batch_id = %s", (restored, batch_id))


TRIALS = (entries_that_cannot_be_stored, answers_that_cannot_be_read)
EMBEDDER_TRIALS = (text_that_the_embedder_refuses,)
