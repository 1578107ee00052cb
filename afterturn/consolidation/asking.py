"""Putting a question to the judge: the stored answer, or one call whose answer is stored before it is used."""

from __future__ import annotations

import logging
from typing import Protocol
from uuid import UUID

from psycopg_pool import ConnectionPool

from afterturn import faults
from afterturn.batches import leases
from afterturn.batches.leases import Lease
from afterturn.consolidation import judgements
from afterturn.consolidation.judge import Judge
from afterturn.database.pool import Connection
from afterturn.endpoints.breaker import Breaker
from afterturn.errors import AnswerMalformed, ModelRefused
from afterturn.llm import calls
from afterturn.llm.calls import Call
from afterturn.scopes import SessionScope
from afterturn.settings import Settings

logger = logging.getLogger(__name__)

#: An answer that cannot be read is asked for once more.
ATTEMPTS = 2


class Servers(Protocol):
    """What asking needs of the runtime."""

    @property
    def settings(self) -> Settings: ...
    @property
    def postgres(self) -> ConnectionPool[Connection]: ...
    @property
    def llm_breaker(self) -> Breaker: ...


def ask(
    servers: Servers,
    lease: Lease,
    judge: Judge,
    question_text: str,
    *,
    stage: str,
    session: SessionScope | None = None,
    batch_id: UUID | None = None,
) -> None:
    """Put one question to the judge and store what it says.

    Where there is no answer to be had, one is stored that leaves every pair to the rules: keeping two facts is a
    smaller fault than losing a batch. No connection is held during the call.

    Args:
        servers: the runtime.
        lease: what entitles to the work.
        judge: whom to ask.
        question_text: what the judge is shown.
        stage: judge or sleep.
        session: which conversation it is about, where it is about one.
        batch_id: which batch asks, where one does.

    Raises ModelUnavailable (BudgetExhausted among them), or StaleLease.
    """
    text, call = _answer(servers, lease, judge, question_text, stage=stage, session=session, batch_id=batch_id)
    faults.point(f"{stage}.answer_received")
    with servers.postgres.connection() as connection:
        if call is not None:
            calls.record_result(connection, call)
        with connection.transaction():
            leases.fence(connection, lease)
            judgements.store(connection, lease.scope, judge, question_text, text, batch_id=batch_id)
    faults.point(f"{stage}.answer_stored")


def _answer(
    servers: Servers,
    lease: Lease,
    judge: Judge,
    question_text: str,
    *,
    stage: str,
    session: SessionScope | None,
    batch_id: UUID | None,
) -> tuple[str, Call | None]:
    """Return an answer that can be read, and the call that it came from; none where the judge gave none."""

    def ask_once() -> tuple[str, Call]:
        with calls.reserved(
            servers.postgres,
            lease,
            session,
            stage=stage,
            model=judge.model,
            expected_tokens=judge.expected_tokens(question_text),
            daily_tokens=servers.settings.user_daily_tokens,
            batch_id=batch_id,
        ) as call:
            faults.point(f"{stage}.call_reserved")
            answer = judge.judge(question_text)
            call.took(answer)
            return answer.text, call

    for _ in range(ATTEMPTS):
        try:
            return servers.llm_breaker.call(ask_once)
        except AnswerMalformed as error:
            logger.warning("%s %s: %s", lease.kind, lease.item, error)
        except ModelRefused as error:
            # Asking again would be refused again.
            logger.warning("%s %s goes by rules alone: %s", lease.kind, lease.item, error)
            break
    return judgements.NOTHING, None
