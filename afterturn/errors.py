"""Every error that afterturn raises, in one tree.

AfterturnError
├── InvalidInput              an argument is invalid; nothing was stored
│   ├── InvalidId
│   ├── TurnTooLarge
│   ├── ItemNotJson           an item of an agent framework is not JSON data
│   ├── InFuture              the time at which it was said is too far ahead of this machine's clock
│   └── TurnIdUsed            the session has a turn with this id and other content
├── AccessDenied              the caller may not do this; nothing was done
│   ├── Unauthorized          the credential is missing or wrong
│   └── Forbidden             the credential is good, but not for this user or this right
├── ConcurrencyError          a document was changed by somebody else; nothing was stored
│   ├── StaleFence            the lock with which the document was to be written is lost
│   └── LockBusy              somebody else has the lock
├── RateLimited               too many requests of one caller; this one was not carried out
├── SettingsError             a setting is unknown, missing or out of range
├── MissingExtra              a library of an extra is not installed
├── MemoryUnavailable         a server that the call needs did not answer in time
│   ├── PendingLimitReached   too many turns wait to be archived
│   ├── SigningKeysUnavailable  the keys with which tokens are checked cannot be fetched
│   ├── ColdUnavailable       the object store of the cold archive does not answer, or is not named
│   └── DatabaseMisconfigured Postgres answers, but refuses what every call needs; the message says what to do
│       └── SchemaMismatch    the schema is missing, or is not the one of this release
├── ColdObjectDamaged         an object of the cold archive is missing, or its checksum is wrong
├── EmbeddingSwitchRefused    another embedding model is being built
├── MergeRefused              a user cannot be merged into the other one; nothing was changed
├── UserMerged                the user was merged into another one; nothing was stored
├── FlushTimeout              the turns are stored, but not yet searchable as facts
├── FlushFailed               the turns are stored, but a batch of them is dead
├── LocalServerError          an embedded server cannot be started on this machine
│   ├── DataDirectoryUnusable the data directory cannot be made or written
│   └── PortTaken             another program listens on a port, or it may not be listened on
├── TransitionRefused         another worker holds or has finished this work
│   ├── StaleLease
│   └── VersionConflict
├── ModelError                an LLM or embedder call failed
│   ├── ModelUnavailable      connection, timeout, 429, 5xx: the same call may succeed later
│   │   ├── EndpointPaused    the circuit breaker is open: no call was made
│   │   ├── BudgetExhausted   the user's daily tokens are used up: no call was made
│   │   └── EndpointMisconfigured  a key, model or URL is wrong; it affects every batch, so no batch becomes dead
│   └── ModelRefused          the same call will fail again
│       ├── InputTooLong      the input is too long for the model: a shorter one may fit
│       └── AnswerMalformed   the model answered, but not in the required form
│           └── AnswerTruncated   the answer was cut off: a shorter input may give a complete one

`code` is stable and part of the public surface; the class docstring is the default message.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import ClassVar


class AfterturnError(Exception):
    """The call failed; a subclass names the cause."""

    code: ClassVar[str] = "afterturn_error"

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or inspect.cleandoc(self.__doc__ or ""))


class InvalidInput(AfterturnError, ValueError):
    """The input does not have the required form; nothing was stored."""

    code = "invalid_input"


class InvalidId(InvalidInput):
    """An id must be 1 to 200 printable characters, and at most 600 bytes in UTF-8."""

    code = "invalid_id"


class TurnTooLarge(InvalidInput):
    """The turn is larger than AFTERTURN_TURN_LIMIT_BYTES."""

    code = "turn_too_large"


class ItemNotJson(InvalidInput, TypeError):
    """An item of a session must be JSON data."""

    code = "item_not_json"


class InFuture(InvalidInput):
    """occurred_at is further in the future than AFTERTURN_FUTURE_LIMIT_SECONDS allows."""

    code = "in_future"


class TurnIdUsed(InvalidInput):
    """The session has a turn with this id and other content; nothing was stored."""

    code = "turn_id_used"


class AccessDenied(AfterturnError):
    """The caller may not do this; nothing was done."""

    code = "access_denied"


class Unauthorized(AccessDenied):
    """The credential is missing or wrong."""

    code = "unauthorized"


class Forbidden(AccessDenied):
    """The credential does not allow this."""

    code = "forbidden"


class ConcurrencyError(AfterturnError):
    """The document has another version than expected: somebody else has changed it; nothing was stored."""

    code = "concurrency_error"


class StaleFence(ConcurrencyError):
    """The lock of this fence is lost: its lease ended, or somebody else has it; nothing was stored."""

    code = "stale_fence"


class LockBusy(ConcurrencyError):
    """Somebody else has the lock, and did not leave it within the given time."""

    code = "lock_busy"


class RateLimited(AfterturnError):
    """Too many requests; this one was not carried out. Try again after the time in Retry-After."""

    code = "rate_limited"

    def __init__(self, message: str | None = None, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        #: The header fields of the answer: the limit, and when the next request is within it.
        self.headers = dict(headers or {})


class SettingsError(AfterturnError):
    """A setting is unknown, missing or out of range."""

    code = "settings_error"


class MissingExtra(AfterturnError):
    """A library that this needs is not installed; it comes with an extra, such as afterturn[worker]."""

    code = "missing_extra"


class MemoryUnavailable(AfterturnError):
    """A server that this call needs did not answer in time."""

    code = "memory_unavailable"


class PendingLimitReached(MemoryUnavailable):
    """Too many turns wait to be archived (AFTERTURN_PENDING_LIMIT_BYTES_PER_SHARD); this turn was not stored."""

    code = "pending_limit_reached"


class SigningKeysUnavailable(MemoryUnavailable):
    """The keys with which tokens are checked (AFTERTURN_JWT_JWKS_URL) cannot be fetched."""

    code = "signing_keys_unavailable"


class ColdUnavailable(MemoryUnavailable):
    """The object store of the cold archive (AFTERTURN_COLD_URL) does not answer, or is not named."""

    code = "cold_unavailable"


class DatabaseMisconfigured(MemoryUnavailable):
    """Postgres answers, but refuses what every call needs: a role, a privilege, or a connection without a pooler."""

    code = "database_misconfigured"


class SchemaMismatch(DatabaseMisconfigured):
    """The database has no schema of this release: run `afterturn migrate`."""

    code = "schema_mismatch"


class ColdObjectDamaged(AfterturnError):
    """An object of the cold archive is missing, or its checksum is wrong. Restore it from a copy of the store."""

    code = "cold_object_damaged"


class EmbeddingSwitchRefused(AfterturnError):
    """The vectors of another embedding model are being built: wait for them, or abort that."""

    code = "embedding_switch_refused"


class MergeRefused(AfterturnError):
    """The user cannot be merged into the other one; nothing was changed."""

    code = "merge_refused"


class UserMerged(AfterturnError):
    """The user was merged into another one: use that user's id. Nothing was stored."""

    code = "user_merged"


class FlushTimeout(AfterturnError, TimeoutError):
    """The turns are stored, but were not searchable as facts within the given time."""

    code = "flush_timeout"


class FlushFailed(AfterturnError):
    """The turns are stored, but a batch of them is dead: it does not become facts until it is replayed."""

    code = "flush_failed"


class LocalServerError(AfterturnError):
    """An embedded server cannot be started on this machine."""

    code = "local_server_error"


class DataDirectoryUnusable(LocalServerError):
    """The data directory (AFTERTURN_DATA_DIR) cannot be made or written."""

    code = "data_directory_unusable"


class PortTaken(LocalServerError):
    """Another program listens on the port, or this user may not listen on it."""

    code = "port_taken"


class TransitionRefused(AfterturnError):
    """Another worker holds or has finished this work."""

    code = "transition_refused"


class StaleLease(TransitionRefused):
    """The lease expired and another worker took the work; this write was refused."""

    code = "stale_lease"


class VersionConflict(TransitionRefused):
    """The user's memory changed while this batch was being consolidated."""

    code = "version_conflict"


class ModelError(AfterturnError):
    """A call to the LLM or the embedder failed."""

    code = "model_error"


class ModelUnavailable(ModelError):
    """The LLM or the embedder is unreachable or overloaded; the same call may succeed later."""

    code = "model_unavailable"

    def __init__(self, message: str | None = None, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        #: The server's Retry-After value; None when it sent none.
        self.retry_after_seconds = retry_after_seconds
        #: Number of calls to the endpoint that succeeded so far; None when the circuit breaker did not count them.
        self.successes: int | None = None


class EndpointPaused(ModelUnavailable):
    """Calls to the endpoint are paused because they fail for all users; no call was made."""

    code = "endpoint_paused"


class BudgetExhausted(ModelUnavailable):
    """The user's daily tokens (AFTERTURN_USER_DAILY_TOKENS) are used up; no call was made."""

    code = "budget_exhausted"

    def __init__(self, message: str | None = None, *, limit_tokens: int = 0) -> None:
        super().__init__(message)
        #: Tokens that the user may use per day.
        self.limit_tokens = limit_tokens


class EndpointMisconfigured(ModelUnavailable):
    """The endpoint rejects the key, the model or the path, or refuses every request: correct the setting."""

    code = "endpoint_misconfigured"


class ModelRefused(ModelError):
    """The LLM or the embedder refused the call; the same call will be refused again."""

    code = "model_refused"

    def __init__(self, message: str | None = None, *, prompt_tokens: int = 0, completion_tokens: int = 0) -> None:
        super().__init__(message)
        #: Tokens that the call used; 0 when the model did not answer.
        self.prompt_tokens = prompt_tokens
        self.completion_tokens = completion_tokens
        #: Number of usable answers of the endpoint so far; None when the circuit breaker did not count them.
        self.successes: int | None = None
        #: How many other callers got no usable answer since the last one that did.
        self.others_refused = 0


class InputTooLong(ModelRefused):
    """The input is longer than the model can read; a shorter one may fit."""

    code = "input_too_long"


class AnswerMalformed(ModelRefused):
    """The LLM answered, but not in the required form."""

    code = "answer_malformed"


class AnswerTruncated(AnswerMalformed):
    """The LLM's answer reached its length limit and was cut off; a shorter input may give a complete one."""

    code = "answer_truncated"
