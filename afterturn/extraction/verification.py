"""Verify candidates: each quote must occur in the turn that it names. There is no fact without evidence."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from afterturn import ids
from afterturn.candidate import EXTRACTED_TEXT_LIMIT_CHARACTERS, UNKNOWN_TURN, Candidate, Quote
from afterturn.extraction import candidates, hypotheses, shown_memories, small_talk, turn_secrets
from afterturn.extraction.answer import Answer
from afterturn.lives import Times
from afterturn.redaction import credentials
from afterturn.relation import Relation
from afterturn.turns import Turn

_SPACE = re.compile(r"\s+")
#: Models replace typographic quotation marks and dashes by plain ones.
_STRAIGHT = str.maketrans(
    dict.fromkeys("\u2018\u2019\u201a\u201b", "'")
    | dict.fromkeys("\u201c\u201d\u201e\u201f", '"')
    | dict.fromkeys("\u2010\u2011\u2013\u2014\u2212", "-")
)
#: Words that occur in nearly every turn. A quote of one of them alone is no evidence.
_IN_EVERY_TURN = frozenset(
    re.findall(r"\w+", "a an and as at be but by for i in is it me my of on or so that the this to was we you")
)
#: A shorter quote must be a whole word: "start" is no evidence for "art".
_WHOLE_WORD_CHARACTERS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedCandidate:
    """A candidate whose evidence is verified, or that a person entered."""

    #: The id of the fact that it may become. Derived from the batch, the prompt version, the model and the candidate's
    #: place in the answer.
    fact_id: UUID
    content: Candidate
    #: (position of the turn, quote)
    evidence: tuple[tuple[int, str], ...]
    #: The time of the last of these turns.
    said_at: datetime
    #: The speaker of these turns: user if one of them is the user's, else assistant, else other.
    said_by: str = "user"
    #: extracted, or person if a person entered it.
    origin: str = "extracted"
    #: Known fact -> how the candidate is related to it, as the model said when it was shown the fact.
    relations: Mapping[UUID, Relation] = field(default_factory=dict)

    @property
    def times(self) -> Times:
        return Times(valid_from=self.content.valid_from, valid_to=self.content.valid_to, said_at=self.said_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A rejected candidate, or a dropped part of an accepted one."""

    #: The candidate's place among the readable ones of the answer. What is not readable is counted behind them.
    index: int
    #: Rejected: empty_text, text_too_long, no_evidence, unknown_turn, quote_not_found, quote_too_short, secret,
    #: small_talk, hypothetical, repeats_memory. Accepted without a part of it: dates_dropped, secret_redacted,
    #: property_dropped.
    #: Not readable: candidate_unreadable, text_unreadable, facts_unreadable, episode_unreadable, subject_unreadable,
    #: attribute_unreadable, value_unreadable.
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
    redacted: Sequence[Turn] | None = None,
) -> tuple[list[VerifiedCandidate], list[Rejection]]:
    """Return the verified candidates of an answer, and what was rejected.

    Args:
        answer: the answer to `turns`.
        turns: the batch's turns, archived, in order.
        batch_id: the batch; the ids of the facts derive from it.
        prompt_version: the prompt that was answered; so do they from this,
        model: and from the model that answered.
        shown: texts of the memories that the assistant was shown, by id.
        categories: the allowed categories; any other becomes `other`. None: all are allowed.
        redacted: the turns as the model saw them, without secrets; None: they are made here.
    """
    verified: list[VerifiedCandidate] = []
    rejections: list[Rejection] = []
    evidence_turns = _EvidenceTurns(
        turns, turn_secrets.redact_turns(turns) if redacted is None else redacted, shown or {}
    )
    for index, answered in enumerate(answer.facts):
        candidate, reason = evidence_turns.check(candidates.normalise_candidate(answered, categories))
        if reason:
            rejections.append(Rejection(index=index, reason=reason))
            continue
        quoted = [turns[quote.turn - 1] for quote in candidate.evidence]
        said_at = max(turn.occurred_at for turn in quoted)
        content, dropped = candidates.clean_candidate(candidate, said_at, evidence_turns.secrets)
        if dropped:
            rejections.append(Rejection(index=index, reason=dropped))
        verified.append(
            VerifiedCandidate(
                fact_id=ids.derive_fact_id(batch_id, prompt_version, model, index),
                content=content,
                evidence=_evidence_of(candidate.evidence, quoted),
                said_at=said_at,
                said_by=_speaker_of(quoted),
                relations={UUID(known.known): known.relation for known in content.known},
            )
        )
    unreadable = (
        Rejection(index=index, reason=reason) for index, reason in enumerate(answer.malformed, len(answer.facts))
    )
    return verified, [*rejections, *unreadable]


def normalise(text: str) -> str:
    """Normalise a text for comparison: NFKC, plain quotation marks and dashes, single spaces, case folded."""
    if text.isascii():
        # The same result, several times as fast.
        return " ".join(text.split()).casefold()
    return _SPACE.sub(" ", unicodedata.normalize("NFKC", text).translate(_STRAIGHT)).strip().casefold()


class _EvidenceTurns:
    """The turns of a batch, prepared for the search of quotes."""

    def __init__(self, turns: Sequence[Turn], redacted: Sequence[Turn], shown: Mapping[str, str]) -> None:
        self._turns = turns
        self._shown = shown
        self._normalised = [normalise(turn.content) for turn in turns]
        self._name_words = small_talk.words_of_names([turn.name for turn in turns if turn.name])
        #: Secrets found in the turns. A candidate may repeat one without the words that show that it is a secret.
        self.secrets = turn_secrets.find_replaced_secrets(turns, redacted)
        self._without_secrets = [
            said if clean.content == turn.content else normalise(clean.content)
            for said, turn, clean in zip(self._normalised, turns, redacted, strict=True)
        ]

    def check(self, candidate: Candidate) -> tuple[Candidate, str | None]:
        """Return the candidate with its usable evidence, and the reason for its rejection, or None."""
        if not candidate.text:
            return candidate, "empty_text"
        if len(candidate.text) > EXTRACTED_TEXT_LIMIT_CHARACTERS:
            return candidate, "text_too_long"
        named = [self._find_turn(quote) for quote in candidate.evidence]
        quotes = [quote for quote in named if not self._is_removed(quote)]
        if not quotes:
            return candidate, "no_evidence"
        if reason := next((reason for quote in quotes if (reason := self._missing_quote_reason(quote))), None):
            return candidate, reason
        refusals = {quote: self._unusable_quote_reason(quote) for quote in quotes}
        usable = tuple(quote for quote in quotes if refusals[quote] is None)
        if not usable:
            return candidate, refusals[quotes[0]]
        if usable != candidate.evidence:
            candidate = candidate.model_copy(update={"evidence": usable})
        return candidate, self._rejection_reason(candidate)

    def _find_turn(self, quote: Quote) -> Quote:
        """Return the quote with the first turn that contains it, if the answer does not name its turn."""
        if quote.turn != UNKNOWN_TURN:
            return quote
        wanted = normalise(quote.quote)
        texts = zip(self._normalised, self._without_secrets, strict=True)
        found = (
            number for number, said in enumerate(texts, start=1) if wanted and any(wanted in text for text in said)
        )
        return quote.model_copy(update={"turn": next(found, UNKNOWN_TURN) if wanted else UNKNOWN_TURN})

    def _is_removed(self, quote: Quote) -> bool:
        """Return whether the quoted turn was removed. A quote of a removed turn is no evidence."""
        return 1 <= quote.turn <= len(self._turns) and self._turns[quote.turn - 1].is_removed

    def _missing_quote_reason(self, quote: Quote) -> str | None:
        if not 1 <= quote.turn <= len(self._turns):
            return "unknown_turn"
        wanted, said = normalise(quote.quote), self._normalised[quote.turn - 1]
        # The model saw the turn without its secrets.
        if wanted not in said:
            said = self._without_secrets[quote.turn - 1]
        if not wanted or wanted not in said:
            return "quote_not_found"
        if len(wanted) < _WHOLE_WORD_CHARACTERS and wanted.isascii() and wanted.isalnum():
            return None if re.search(rf"\b{wanted}\b", said) else "quote_not_found"
        return None

    def _unusable_quote_reason(self, quote: Quote) -> str | None:
        """Return why a quote that occurs in its turn is no evidence; None if it is."""
        wanted = normalise(quote.quote)
        # A secret quoted without the words around it is recognised only in its turn.
        if credentials.contains_secret(quote.quote) or wanted not in self._without_secrets[quote.turn - 1]:
            return "secret"
        is_short = wanted in _IN_EVERY_TURN or not any(character.isalnum() for character in wanted)
        return "quote_too_short" if is_short and wanted != self._normalised[quote.turn - 1] else None

    def _rejection_reason(self, candidate: Candidate) -> str | None:
        """Return why a candidate with evidence is rejected; None if it is accepted."""
        left = credentials.redact(candidate.text, self.secrets).replace(credentials.REDACTED, "")
        if not any(character.isalnum() for character in left):
            return "secret"
        if all(small_talk.is_empty(quote.quote, self._name_words) for quote in candidate.evidence):
            return "small_talk"
        names = frozenset((candidate.subject or "").split())
        if all(hypotheses.is_only_imagined(candidate.text, quote.quote, names) for quote in candidate.evidence):
            return "hypothetical"
        if any(shown_memories.repeats_memory(candidate.text, memory, names) for memory in self._repeatable(candidate)):
            return "repeats_memory"
        return None

    def _repeatable(self, candidate: Candidate) -> list[str]:
        """Return the memories that the assistant may have repeated: those shown to it before it said this.

        Empty if another speaker said it as well.
        """
        quoted = {quote.turn for quote in candidate.evidence}
        if any(self._turns[number - 1].role != "assistant" for number in quoted):
            return []
        before = self._turns[: max(quoted)]
        return [self._shown[memory] for turn in before for memory in turn.memories_shown if memory in self._shown]


def _speaker_of(quoted: Sequence[Turn]) -> str:
    roles = {turn.role for turn in quoted}
    if roles & {"user", "exchange"}:
        return "user"
    return "assistant" if "assistant" in roles else "other"


def _evidence_of(quotes: Sequence[Quote], quoted: Sequence[Turn]) -> tuple[tuple[int, str], ...]:
    evidence: dict[tuple[int, str], None] = {}
    for quote, turn in zip(quotes, quoted, strict=True):
        assert turn.position is not None, "verification works on archived turns"
        evidence[turn.position, quote.quote] = None
    return tuple(evidence)
