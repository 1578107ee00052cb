"""Write threads to Postgres, and remove from them what retracted facts say. All in the transaction of the caller."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.scopes import UserScope
from afterturn.threads import thread, thread_queries
from afterturn.threads.thread import STATE, Thread, ThreadStep

_SQL = queries.load("threads")


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadDraft:
    """A thread to store."""

    thread_id: UUID
    #: Of the facts that it was written from.
    input_digest: str
    title: str
    #: Empty where the facts tell of no development: it is stored, so that nobody is asked again, and not shown.
    steps: tuple[ThreadStep, ...]
    state: ThreadStep | None
    started_at: datetime
    last_said_at: datetime
    prompt_version: str
    model: str


def store_threads(
    connection: Connection, scope: UserScope, drafts: Sequence[ThreadDraft], *, kept: Collection[UUID]
) -> None:
    """Store threads, and delete those whose matter is gone and the answers that were used.

    Args:
        connection: in a transaction that compares the version of the memory.
        scope: whose threads.
        drafts: the threads that were written.
        kept: the threads that stay as they are.
    """
    connection.execute(_SQL["delete_answers"], scope.key)
    stay = [*kept, *(draft.thread_id for draft in drafts)]
    connection.execute(_SQL["delete_others"], scope.key | {"thread_ids": stay})
    for draft in drafts:
        _store(connection, scope, draft)


def _store(connection: Connection, scope: UserScope, draft: ThreadDraft) -> None:
    connection.execute(_SQL["upsert"], scope.key | _columns(draft))
    numbered = [*enumerate(draft.steps, STATE + 1), *([(STATE, draft.state)] if draft.state else [])]
    rests = [(number, fact_id) for number, step in numbered for fact_id in step.fact_ids]
    arguments = {"steps": [number for number, _ in rests], "fact_ids": [fact_id for _, fact_id in rests]}
    connection.execute(_SQL["add_facts"], scope.key | {"thread_id": draft.thread_id} | arguments)


def _columns(draft: ThreadDraft) -> dict[str, Any]:
    names = ("thread_id", "input_digest", "title", "started_at", "last_said_at", "prompt_version", "model")
    content = {
        "steps": Jsonb([thread.step_to_json(step) for step in draft.steps]),
        "state": None if draft.state is None else Jsonb(thread.step_to_json(draft.state)),
    }
    return {name: getattr(draft, name) for name in names} | content


def remove_facts(connection: Connection, scope: UserScope, fact_ids: Sequence[UUID]) -> None:
    """Remove what threads say of retracted facts, in the transaction that retracts them.

    Steps that rest on one of them are deleted. The rest of the thread is written again by the next sleep. Answers that
    are not used yet are deleted if they were given one of these facts.
    """
    if not fact_ids:
        return
    connection.execute(_SQL["delete_answers_from"], scope.key | {"fact_ids": list(fact_ids)})
    read = thread_queries.threads_statement(scope, (), resting_on=fact_ids)
    for row in connection.execute(read.sql, read.arguments).fetchall():
        left = thread.parse_thread(row)
        if left is None:
            connection.execute(_SQL["delete"], scope.key | {"thread_id": row["thread_id"]})
        else:
            _store(connection, scope, _to_draft(left, row))


def _to_draft(left: Thread, row: dict[str, Any]) -> ThreadDraft:
    """Return what is left of a thread, to be written again by the next sleep."""
    return ThreadDraft(
        thread_id=row["thread_id"],
        input_digest="",
        title=left.title,
        steps=left.steps,
        state=left.state,
        started_at=left.started_at,
        last_said_at=left.last_said_at,
        prompt_version=row["prompt_version"],
        model=row["model"],
    )
