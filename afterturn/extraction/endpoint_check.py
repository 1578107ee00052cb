"""Check whether the LLM's endpoint works at all, before a batch counts as the cause of a refusal.

If other batches succeed, the endpoint works, and no check is needed. Otherwise a turn is extracted that every model can
extract. If its answer is usable, the batch is the cause.
"""

from __future__ import annotations

from datetime import UTC, datetime

from afterturn.batches.batch_row import Batch
from afterturn.batches.leases import Lease
from afterturn.errors import AnswerTruncated, EndpointMisconfigured, InputTooLong, ModelRefused
from afterturn.extraction import answer
from afterturn.extraction.batch_extraction import Servers
from afterturn.extraction.extractor import ExtractionRequest
from afterturn.llm import calls
from afterturn.turns import Turn

#: The caller's name for the circuit breaker, which distinguishes the check from a batch.
CALLER = "check"

#: A made-up turn that belongs to no user.
CHECKED_TURN = Turn(
    turn_id="check",
    role="user",
    content="My name is Ana, and I moved to Lisbon in May.",
    occurred_at=datetime(2024, 6, 3, 12, tzinfo=UTC),
)


def check_before_retry(servers: Servers, batch: Batch, lease: Lease) -> None:
    """Check the endpoint if it refused the batch before and no call has succeeded since.

    Raises EndpointMisconfigured if it gives no usable answer, or ModelUnavailable.
    """
    has_no_success = batch.refusal_reason is not None and servers.llm_breaker.read_successes() == batch.successes_seen
    if has_no_success and not servers.settings.is_offline:
        check(servers, lease)


def check_after_refusal(servers: Servers, lease: Lease, refusal: ModelRefused) -> None:
    """Check the endpoint after a refusal, if others were refused as well since the last success.

    Raises EndpointMisconfigured if it gives no usable answer, or ModelUnavailable.
    """
    if refusal.others_refused > 0:
        check(servers, lease)


def check(servers: Servers, lease: Lease) -> None:
    """Extract a turn that every model can extract. The cost is recorded for the user of the lease.

    Raises EndpointMisconfigured if the answer is not usable, or ModelUnavailable.
    """
    request = ExtractionRequest(turns=(CHECKED_TURN,))
    extractor = servers.extractor

    def extract() -> None:
        with calls.reserved(
            servers.postgres,
            lease,
            None,
            stage="extract",
            model=extractor.model,
            expected_tokens=extractor.expected_tokens(request),
            daily_tokens=servers.settings.user_daily_tokens,
        ) as call:
            raw = extractor.extract(request)
            call.took(raw)
        with servers.postgres.connection() as connection:
            calls.record_result(connection, call)
        answer.parse(raw.text)

    try:
        servers.llm_breaker.call(extract, caller=CALLER)
    except (InputTooLong, AnswerTruncated) as error:
        servers.llm_breaker.record_refusal(error, caller=CALLER)
        raise _no_usable_answer(error) from error
    except ModelRefused as error:
        raise _no_usable_answer(error) from error


def _no_usable_answer(error: ModelRefused) -> EndpointMisconfigured:
    settings = "AFTERTURN_LLM_MODEL, AFTERTURN_LLM_BASE_URL and AFTERTURN_LLM_EXTRA_BODY"
    return EndpointMisconfigured(f"the endpoint gives no usable answer to any request ({error.code}): check {settings}")
