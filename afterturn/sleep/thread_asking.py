"""Ask the writer of threads one question. Its answer is stored before it is used."""

from __future__ import annotations

from typing import Protocol

from afterturn import faults
from afterturn.batches import leases
from afterturn.batches.leases import Lease
from afterturn.consolidation import judging
from afterturn.consolidation.judging import Asking
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.extraction.batch_extraction import Servers as ExtractionServers
from afterturn.llm import calls
from afterturn.llm.prompted_model import ValidAnswer
from afterturn.scopes import UserScope
from afterturn.sleep.thread_question import ThreadQuestion
from afterturn.sleep.thread_writer import ThreadWriter

_SQL = queries.load("threads")

#: Stored if the model gives no valid answer: rules write the threads.
NO_ANSWER = ""


class Servers(ExtractionServers, Protocol):
    """The parts of the runtime that write threads."""

    @property
    def thread_writer(self) -> ThreadWriter | None: ...


def read_answer(connection: Connection, scope: UserScope, writer: ThreadWriter, question: ThreadQuestion) -> str | None:
    """Return this writer's stored answer to a question; None if it has not been asked yet."""
    digest = question.digest(prompt_version=writer.prompt_version, model=writer.model)
    row = connection.execute(_SQL["answer"], scope.key | {"input_digest": digest}).fetchone()
    return None if row is None else row["answer"]


def ask_writer(servers: Servers, lease: Lease, writer: ThreadWriter, question: ThreadQuestion) -> str:
    """Ask one question, store the answer, and return it. No connection is in use during the call.

    If the writer gives no valid answer, NO_ANSWER is stored. But if the endpoint gives nobody a valid answer, the
    question waits. If a fact of the question is retracted during the call, the answer is not stored; the memory then
    has a new version, so that the run ends without effect.

    Raises ModelUnavailable (BudgetExhausted among them), or StaleLease.
    """
    asking = Asking(
        model=writer,
        question_text=question.text(),
        stage="thread",
        caller=f"threads of {lease.scope}",
        when_reserved=lambda: faults.point("sleep.thread_call_reserved"),
    )
    answered = judging.ask_for_valid_answer(servers, lease, asking)
    answer, call = answered or (ValidAnswer(text=NO_ANSWER), None)
    faults.point("sleep.thread_answer_received")
    digest = question.digest(prompt_version=writer.prompt_version, model=writer.model)
    row = {"input_digest": digest, "fact_ids": question.fact_ids(), "answer": answer.text}
    with servers.postgres.connection() as connection:
        if call is not None:
            calls.record_result(connection, call)
        with connection.transaction():
            connection.execute(_SQL["lock_user"], lease.scope.key)
            leases.fence(connection, lease)
            connection.execute(_SQL["add_answer"], lease.scope.key | row)
    faults.point("sleep.thread_answer_stored")
    return answer.text
