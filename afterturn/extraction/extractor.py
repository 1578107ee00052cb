"""The interface between the pipeline and an extractor, which is an LLM or a set of rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol
from uuid import UUID

from afterturn.turns import Turn

#: The number of turns before a batch that are shown as context.
CONTEXT_TURNS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownStatement:
    """A current fact that is shown to the extractor, which says how new statements are related to it."""

    fact_id: UUID
    text: str
    #: The day on which it was said last.
    said_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractionRequest:
    """The input of an extractor for one batch."""

    #: The turns of the batch in order. The answer refers to them by number; the first is 1.
    turns: Sequence[Turn]
    #: The last turns before the batch, as context. Nothing may be extracted from them.
    context: Sequence[Turn] = ()
    #: Current facts that are near to the turns. The answer refers to them by label; the first is K1.
    known: Sequence[KnownStatement] = ()
    #: The name of the user in the text of facts ("Ana lives in Lisbon"); None: "The user".
    user_name: str | None = None
    #: Why an earlier answer to the same request was not usable; None at the first attempt.
    problem: str | None = None
    #: IANA name, such as "Europe/Lisbon". Relative dates are resolved in it.
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class RawAnswer:
    """An answer that is not parsed yet. It is stored in this form."""

    #: JSON in the form of `answer.Answer`. A model may also return any other text.
    text: str
    prompt_version: str
    model: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0


class Extractor(Protocol):
    """Extracts facts and an episode from a batch."""

    #: The version of the prompt or of the rules. It is stored with each answer.
    prompt_version: str
    #: Earlier versions whose stored answers are used where they are there, the newest first.
    earlier_versions: Sequence[str]
    #: The name of the model or of the rules.
    model: str
    #: Whether it uses known statements.
    uses_known: bool

    def expected_tokens(self, request: ExtractionRequest) -> int:
        """Return the most tokens that a batch may use; 0 for an extractor without LLM."""
        ...

    def extract(self, request: ExtractionRequest) -> RawAnswer:
        """Return the answer for one batch. Raises ModelUnavailable or ModelRefused."""
        ...
