"""Ask the judge a question. Its answer is stored before it is used."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from afterturn import faults
from afterturn.batches.leases import Lease
from afterturn.consolidation import judgements
from afterturn.consolidation.judge import Judge, JudgedAnswer
from afterturn.database import counters
from afterturn.errors import AnswerMalformed, ModelRefused
from afterturn.extraction import endpoint_check
from afterturn.extraction.batch_extraction import Servers
from afterturn.llm import calls
from afterturn.llm.calls import Call
from afterturn.scopes import SessionScope

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

#: Attempts per question. After a malformed answer the model is called again.
ATTEMPTS = 2


def ask_judge(
    servers: Servers,
    lease: Lease,
    judge: Judge,
    question_text: str,
    *,
    stage: str,
    session: SessionScope | None = None,
    batch_id: UUID | None = None,
) -> None:
    """Ask the judge one question and store its answer.

    If the judge gives no valid answer, an answer without pairs is stored, so that the rules decide alone: keeping two
    facts that say the same is a smaller fault than losing a batch. But if the endpoint gives nobody a valid answer, the
    question waits. No connection is in use during the call.

    Args:
        servers: the runtime.
        lease: the lease on the work.
        judge: the judge.
        question_text: the question.
        stage: judge or sleep.
        session: the session of the batch, if the question is about a batch.
        batch_id: the batch, if the question is about one.

    Raises ModelUnavailable (BudgetExhausted among them), or StaleLease.
    """
    answer, call = _get_answer(servers, lease, judge, question_text, stage=stage, session=session, batch_id=batch_id)
    faults.point(f"{stage}.answer_received")
    with servers.postgres.connection() as connection:
        if answer.unreadable:
            counters.increment(connection, counters.PAIRS_UNREADABLE, answer.unreadable)
        judgements.store_answer(connection, lease, judge, question_text, answer.text, batch_id=batch_id, call=call)
    faults.point(f"{stage}.answer_stored")


def _get_answer(
    servers: Servers,
    lease: Lease,
    judge: Judge,
    question_text: str,
    *,
    stage: str,
    session: SessionScope | None,
    batch_id: UUID | None,
) -> tuple[JudgedAnswer, Call | None]:
    """Return a valid answer and its call, or an answer without pairs and None."""

    def ask_once() -> tuple[JudgedAnswer, Call]:
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
            return answer, call

    answered = ask_for_valid_answer(servers, lease, ask_once, caller=f"{lease.scope} {lease.item}")
    return answered or (JudgedAnswer(text=judgements.EMPTY_JUDGEMENT), None)


def ask_for_valid_answer(
    servers: Servers, lease: Lease, ask_once: Callable[[], tuple[Answer, Call]], *, caller: str
) -> tuple[Answer, Call] | None:
    """Return a valid answer and its call; None if the model gives none, so that rules decide.

    Args:
        servers: the runtime.
        lease: the lease on the work.
        ask_once: calls the model; it raises AnswerMalformed if the answer is not valid.
        caller: the caller's name for the circuit breaker.

    Raises ModelUnavailable, also if the endpoint gives nobody a valid answer.
    """
    refusal = ModelRefused()
    for _ in range(ATTEMPTS):
        try:
            return servers.llm_breaker.call(ask_once, caller=caller)
        except AnswerMalformed as error:
            refusal = error
            logger.warning("%s %s: %s", lease.kind, lease.item, error)
        except ModelRefused as error:
            # A second call would be refused as well.
            refusal = error
            break
    endpoint_check.check_after_refusal(servers, lease, refusal)
    logger.warning("%s %s is decided by rules alone: %s", lease.kind, lease.item, refusal)
    return None
