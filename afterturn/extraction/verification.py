"""No fact without evidence: a candidate is believed when each of its quotes is found in the turn that it names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from afterturn import ids
from afterturn.candidate import Candidate, Quote
from afterturn.extraction import candidates, credentials, hypotheses, shown_memories
from afterturn.extraction.answer import Answer
from afterturn.turns import Turn

_SPACE = re.compile(r"\s+")
#: Models straighten quotation marks and dashes.
_STRAIGHT = str.maketrans(
    dict.fromkeys("\u2018\u2019\u201a\u201b", "'")
    | dict.fromkeys("\u201c\u201d\u201e\u201f", '"')
    | dict.fromkeys("\u2010\u2011\u2013\u2014\u2212", "-")
)
#: Each stands in nearly every turn: alone they are evidence of nothing.
_IN_EVERY_TURN = frozenset(
    re.findall(r"\w+", "a an and as at be but by for i in is it me my of on or so that the this to was we you")
)
#: A shorter quote must stand as a word of its own: "art" is not said by "start".
_WHOLE_WORD_CHARACTERS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class BelievedCandidate:
    """A candidate whose evidence was found."""

    #: Derived from the batch, the prompt version, the model and the candidate's place in the answer.
    fact_id: UUID
    candidate: Candidate
    #: (position of the turn, quote)
    evidence: tuple[tuple[int, str], ...]
    #: When the last of these turns was said.
    said_at: datetime
    #: Whose turns these are: user where any of them is, else assistant, else other.
    said_by: str = "user"
    #: extracted, or person for what somebody entered by hand.
    origin: str = "extracted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A candidate that is not believed, or a part of one."""

    #: Its place in the answer.
    index: int
    #: Not believed at all: empty_text, no_evidence, unknown_turn, quote_not_found, quote_too_short, secret,
    #: hypothetical, repeats_memory. Believed without a part of it: dates_dropped, secret_redacted.
    reason: str


def verify(
    answer: Answer,
    turns: Sequence[Turn],
    *,
    batch_id: UUID,
    prompt_version: str,
    model: str,
    shown: Mapping[str, str] | None = None,
    categories: Collection[str] | None = None,
) -> tuple[list[BelievedCandidate], list[Rejection]]:
    """Split the candidates of an answer to `turns` (archived, in order) into the believed and the rejected.

    Args:
        shown: texts of the memories that the turns say were shown, by id.
        categories: those that there are; any other becomes `other`. None: whatever the answer says.
    """
    believed: list[BelievedCandidate] = []
    rejected: list[Rejection] = []
    batch = _Batch(turns, shown or {})
    for index, answered in enumerate(answer.facts):
        candidate, reason = batch.checked(candidates.tidy(answered, categories))
        if reason:
            rejected.append(Rejection(index=index, reason=reason))
            continue
        named = [turns[quote.turn - 1] for quote in candidate.evidence]
        said_at = max(turn.occurred_at for turn in named)
        sane, dropped = candidates.sane(candidate, said_at, batch.secrets)
        if dropped:
            rejected.append(Rejection(index=index, reason=dropped))
        believed.append(
            BelievedCandidate(
                fact_id=ids.derive_fact_id(batch_id, prompt_version, model, index),
                candidate=sane,
                evidence=_positions(candidate.evidence, named),
                said_at=said_at,
                said_by=_said_by(named),
            )
        )
    return believed, rejected


def told_secrets(turns: Sequence[Turn]) -> frozenset[str]:
    """Return the secrets that turns tell."""
    return frozenset().union(*(credentials.find_secrets(turn.content) for turn in turns))


def normalise(text: str) -> str:
    """Return `text` as quotes are compared: NFKC, straight quotes and dashes, single spaces, case folded."""
    if text.isascii():
        # The same, several times as fast.
        return " ".join(text.split()).casefold()
    return _SPACE.sub(" ", unicodedata.normalize("NFKC", text).translate(_STRAIGHT)).strip().casefold()


class _Batch:
    """The turns of a batch, as evidence is looked for in them."""

    def __init__(self, turns: Sequence[Turn], shown: Mapping[str, str]) -> None:
        self._turns = turns
        self._shown = shown
        self._normalised = [normalise(turn.content) for turn in turns]
        redacted = [credentials.redact(turn.content) for turn in turns]
        telling = [turn for turn, text in zip(turns, redacted, strict=True) if text != turn.content]
        #: What the turns were seen to tell, and a candidate may repeat without the words that give it away.
        self.secrets = told_secrets(telling)
        self._without_secrets = [normalise(text) for text in redacted] if telling else self._normalised

    def checked(self, candidate: Candidate) -> tuple[Candidate, str | None]:
        """Return the candidate with the evidence that counts, and why it is not believed, if it is not."""
        if not candidate.text:
            return candidate, "empty_text"
        standing = [quote for quote in candidate.evidence if not self._is_removed(quote)]
        if not standing:
            return candidate, "no_evidence"
        if reason := next((reason for quote in standing if (reason := self._not_found(quote))), None):
            return candidate, reason
        refusals = {quote: self._refused(quote) for quote in standing}
        counting = tuple(quote for quote in standing if refusals[quote] is None)
        if not counting:
            return candidate, refusals[standing[0]]
        candidate = candidate.model_copy(update={"evidence": counting})
        return candidate, self._not_learnt(candidate)

    def _is_removed(self, quote: Quote) -> bool:
        """Whether its turn was taken back: what rests on such turns alone is left without evidence."""
        return 1 <= quote.turn <= len(self._turns) and self._turns[quote.turn - 1].is_removed

    def _not_found(self, quote: Quote) -> str | None:
        if not 1 <= quote.turn <= len(self._turns):
            return "unknown_turn"
        wanted, said = normalise(quote.quote), self._normalised[quote.turn - 1]
        if not wanted or wanted not in said:
            return "quote_not_found"
        if len(wanted) < _WHOLE_WORD_CHARACTERS and wanted.isascii() and wanted.isalnum():
            return None if re.search(rf"\b{wanted}\b", said) else "quote_not_found"
        return None

    def _refused(self, quote: Quote) -> str | None:
        """Why a quote that was found is no evidence."""
        wanted = normalise(quote.quote)
        # A secret quoted without the words around it is known only by its turn.
        if credentials.contains_secret(quote.quote) or wanted not in self._without_secrets[quote.turn - 1]:
            return "secret"
        is_short = wanted in _IN_EVERY_TURN or not any(character.isalnum() for character in wanted)
        return "quote_too_short" if is_short and wanted != self._normalised[quote.turn - 1] else None

    def _not_learnt(self, candidate: Candidate) -> str | None:
        """Why a candidate with evidence is not believed."""
        left = credentials.redact(candidate.text, self.secrets).replace(credentials.REDACTED, "")
        if not any(character.isalnum() for character in left):
            return "secret"
        names = frozenset((candidate.subject or "").split())
        if all(hypotheses.is_only_imagined(candidate.text, quote.quote, names) for quote in candidate.evidence):
            return "hypothetical"
        if any(shown_memories.repeats_memory(candidate.text, memory, names) for memory in self._repeatable(candidate)):
            return "repeats_memory"
        return None

    def _repeatable(self, candidate: Candidate) -> list[str]:
        """Return the memories that the assistant had been shown when it, and nobody else, said this."""
        named = {quote.turn for quote in candidate.evidence}
        if any(self._turns[number - 1].role != "assistant" for number in named):
            return []
        before = self._turns[: max(named)]
        return [self._shown[known] for turn in before for known in turn.memories_shown if known in self._shown]


def _said_by(named: Sequence[Turn]) -> str:
    roles = {turn.role for turn in named}
    if roles & {"user", "exchange"}:
        return "user"
    return "assistant" if "assistant" in roles else "other"


def _positions(quotes: Sequence[Quote], named: Sequence[Turn]) -> tuple[tuple[int, str], ...]:
    found: dict[tuple[int, str], None] = {}
    for quote, turn in zip(quotes, named, strict=True):
        assert turn.position is not None, "verification works on archived turns"
        found[turn.position, quote.quote] = None
    return tuple(found)
