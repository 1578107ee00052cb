"""Make the threads of a user: find the matters, have those that changed written, and store the result.

A matter whose facts are the same as when its thread was written costs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from afterturn.batches.leases import Lease
from afterturn.consolidation.rules import UserNames
from afterturn.database import counters, queries
from afterturn.database.pool import Connection
from afterturn.scopes import UserScope
from afterturn.sleep import matter_facts, matters, thread_answer, thread_asking, thread_by_rules, thread_question
from afterturn.sleep.matters import Matter
from afterturn.sleep.thread_asking import Servers
from afterturn.sleep.thread_question import ThreadQuestion
from afterturn.sleep.thread_writer import ThreadWriter
from afterturn.sleep.tidying import EndedFact
from afterturn.threads import thread_rows
from afterturn.threads.thread_rows import ThreadDraft

_SQL = queries.load("threads")


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadPlan:
    """The changes to a user's threads."""

    drafts: tuple[ThreadDraft, ...] = ()
    #: The threads that stay as they are. All others are deleted.
    kept: tuple[UUID, ...] = ()
    #: Number of steps that no fact supports.
    dropped: int = 0
    #: Whether every matter that changed is written. Otherwise the next run continues.
    is_finished: bool = True

    def store(self, connection: Connection, scope: UserScope) -> None:
        """Write the changes, in a transaction that compares the version of the memory."""
        thread_rows.store_threads(connection, scope, self.drafts, kept=self.kept)
        if self.dropped:
            counters.increment(connection, counters.THREAD_STEPS_DROPPED, self.dropped)


@dataclass(frozen=True, slots=True, kw_only=True)
class _DueMatters:
    """The matters whose threads are to be written, and the threads that stay."""

    due: list[Matter]
    unchanged: list[UUID]


def count_calls(servers: Servers, scope: UserScope, names: UserNames, ended: Sequence[EndedFact]) -> int:
    """Return the number of calls that `make_threads` would make, without a limit."""
    writer = servers.thread_writer
    if writer is None:
        return 0
    with servers.postgres.connection() as connection:
        found = _find_due(connection, scope, names, ended, writer)
        asked = thread_question.make_questions(found.due)
        return sum(thread_asking.read_answer(connection, scope, writer, question) is None for question in asked)


def make_threads(
    servers: Servers, lease: Lease, names: UserNames, ended: Sequence[EndedFact], *, calls_left: int
) -> ThreadPlan:
    """Return the changes to a user's threads, and make the calls for them. Their answers are stored.

    Args:
        servers: the runtime.
        lease: on the user's sleep.
        names: the names of the user.
        ended: the facts that tidying ends.
        calls_left: the calls that may still be made in this run.

    Raises ModelUnavailable (BudgetExhausted among them), or StaleLease.
    """
    writer = servers.thread_writer
    with servers.postgres.connection() as connection:
        found = _find_due(connection, lease.scope, names, ended, writer)
    if writer is None:
        drafts = tuple(thread_by_rules.write_thread(matter) for matter in found.due)
        return ThreadPlan(drafts=drafts, kept=tuple(found.unchanged))
    return _write(servers, lease, writer, found, calls_left)


def _find_due(
    connection: Connection, scope: UserScope, names: UserNames, ended: Sequence[EndedFact], writer: ThreadWriter | None
) -> _DueMatters:
    compared = matter_facts.read_matter_facts(connection, scope, names, ended)
    made = {row["thread_id"]: row for row in connection.execute(_SQL["made"], scope.key).fetchall()}
    due, unchanged = [], []
    for matter in matters.find_matters(compared.facts, compared.features, names):
        thread_id = thread_question.thread_id(matter)
        if _is_due(matter, made.get(thread_id), writer):
            due.append(matter)
        else:
            unchanged.append(thread_id)
    return _DueMatters(due=due, unchanged=unchanged)


def _is_due(matter: Matter, made: dict[str, Any] | None, writer: ThreadWriter | None) -> bool:
    """Return whether a thread is to be written: its facts changed, or rules wrote it while there was no model."""
    if made is None or made["input_digest"] != thread_question.matter_digest(matter):
        return True
    return writer is not None and made["model"] == thread_by_rules.OFFLINE


def _write(servers: Servers, lease: Lease, writer: ThreadWriter, found: _DueMatters, calls_left: int) -> ThreadPlan:
    drafts: list[ThreadDraft] = []
    postponed: list[UUID] = []
    dropped = 0
    for question in thread_question.make_questions(found.due):
        with servers.postgres.connection() as connection:
            answer = thread_asking.read_answer(connection, lease.scope, writer, question)
        if answer is None and calls_left <= 0:
            postponed += [thread_question.thread_id(matter) for matter in question.matters]
            continue
        if answer is None:
            calls_left -= 1
            answer = thread_asking.ask_writer(servers, lease, writer, question)
        written, unsupported = _read(question, answer, writer)
        drafts += written
        dropped += unsupported
    kept = (*found.unchanged, *postponed)
    return ThreadPlan(drafts=tuple(drafts), kept=kept, dropped=dropped, is_finished=not postponed)


def _read(question: ThreadQuestion, answer: str, writer: ThreadWriter) -> tuple[Sequence[ThreadDraft], int]:
    """Return the threads in an answer, and the number of steps that no fact supports."""
    if answer == thread_asking.NO_ANSWER:
        return [thread_by_rules.write_thread(matter, model=writer.model) for matter in question.matters], 0
    read = thread_answer.read_threads(question, answer, prompt_version=writer.prompt_version, model=writer.model)
    return read.drafts, read.dropped
