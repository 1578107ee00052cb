"""Ask the judge a question. Its answer is stored before it is used."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from afterturn import faults
from afterturn.batches.leases import Lease
from afterturn.consolidation import judgements
from afterturn.consolidation.judge import Judge
from afterturn.database import counters
from afterturn.errors import AnswerMalformed, ModelRefused
from afterturn.extraction import endpoint_check
from afterturn.extraction.batch_extraction import Servers
from afterturn.llm import calls
from afterturn.llm.calls import Call
from afterturn.llm.prompted_model import PromptedModel, ValidAnswer
from afterturn.scopes import SessionScope

logger = logging.getLogger(__name__)

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
    asking = Asking(
        model=judge,
        question_text=question_text,
        stage=stage,
        caller=f"{lease.scope} {lease.item}",
        when_reserved=lambda: faults.point(f"{stage}.call_reserved"),
        session=session,
        batch_id=batch_id,
    )
    answered = ask_for_valid_answer(servers, lease, asking)
    answer, call = answered or (ValidAnswer(text=judgements.EMPTY_JUDGEMENT), None)
    faults.point(f"{stage}.answer_received")
    with servers.postgres.connection() as connection:
        if answer.unreadable:
            counters.increment(connection, counters.PAIRS_UNREADABLE, answer.unreadable)
        judgements.store_answer(connection, lease, judge, question_text, answer.text, batch_id=batch_id, call=call)
    faults.point(f"{stage}.answer_stored")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """One question to a model with a fixed prompt."""

    model: PromptedModel
    question_text: str
    #: The stage of the call in the costs.
    stage: str
    #: The caller's name for the circuit breaker.
    caller: str
    #: Called between the reservation of the call and the call: it reaches a fault point.
    when_reserved: Callable[[], None]
    #: The session and the batch that the call is for, if it is for a batch.
    session: SessionScope | None = None
    batch_id: UUID | None = None


def ask_for_valid_answer(servers: Servers, lease: Lease, asking: Asking) -> tuple[ValidAnswer, Call] | None:
    """Return a valid answer and its call; None if the model gives none, so that rules decide.

    Raises ModelUnavailable, also if the endpoint gives nobody a valid answer.
    """
    refusal = ModelRefused()
    for _ in range(ATTEMPTS):
        try:
            return servers.llm_breaker.call(lambda: _ask_once(servers, lease, asking), caller=asking.caller)
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


def _ask_once(servers: Servers, lease: Lease, asking: Asking) -> tuple[ValidAnswer, Call]:
    """Reserve a call and make it. Raises AnswerMalformed if the answer is not valid."""
    with calls.reserved(
        servers.postgres,
        lease,
        asking.session,
        stage=asking.stage,
        model=asking.model.model,
        expected_tokens=asking.model.expected_tokens(asking.question_text),
        daily_tokens=servers.settings.user_daily_tokens,
        batch_id=asking.batch_id,
    ) as call:
        asking.when_reserved()
        answer = asking.model.ask(asking.question_text)
        call.took(answer)
        return answer, call
