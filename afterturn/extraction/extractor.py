"""The seam between the pipeline and what extracts: an LLM, or rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from afterturn.turns import Turn

#: Turns shown before a batch, to understand it by.
CONTEXT_TURNS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractionRequest:
    """What an extractor is shown of one batch."""

    #: The batch's turns in order; the answer refers to them by number, the first being 1.
    turns: Sequence[Turn]
    #: The last turns before the batch, to understand it by. Nothing may be extracted from them.
    context: Sequence[Turn] = ()
    #: How to name the user in a fact's text ("Ana lives in Lisbon"); None: "The user".
    user_name: str | None = None
    #: Why an earlier answer to the same request could not be used; None the first time.
    problem: str | None = None
    #: IANA name, such as "Europe/Lisbon"; relative dates are resolved in it.
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class RawAnswer:
    """An answer as it came, not yet parsed; this is what is stored."""

    #: JSON in the form of `answer.Answer` (or, from a model that misbehaves, anything).
    text: str
    prompt_version: str
    model: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0


class Extractor(Protocol):
    """Finds facts in a batch."""

    #: Version of the prompt or of the rules; stored with each answer.
    prompt_version: str
    #: Name of the model, or of the rules.
    model: str

    def expected_tokens(self, request: ExtractionRequest) -> int:
        """Return the most tokens that the call for one batch may take; 0 where none is made."""
        ...

    def extract(self, request: ExtractionRequest) -> RawAnswer:
        """Return the answer for one batch. Raises ModelUnavailable or ModelRefused."""
        ...
