"""What a judging call is asked and what it answers: which new statements repeat or replace which known ones.

One call for all candidates of a batch together. It lists the known facts and the new ones once each, so that it grows
with their number and not with the number of pairs; what is answered is stored by the digest of what was shown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from afterturn import tokens
from afterturn.consolidation.decisions import Verdicts
from afterturn.consolidation.rules import Relation
from afterturn.errors import AnswerMalformed

#: Known facts that one call shows at most, and the tokens that they may take. Measured on HaluMem: with 120 of 300
#: facts the old value of every update is among them, with 60 of every twentieth it is not.
MOST_KNOWN = 150
MOST_KNOWN_TOKENS = 3_500
#: What is shown of one statement.
_MOST_CHARACTERS = 400


@dataclass(frozen=True, slots=True)
class Shown:
    """One statement as a judging call shows it."""

    fact_id: UUID
    text: str
    said_at: datetime

    @property
    def day(self) -> str:
        return f"{self.said_at:%Y-%m-%d}"

    @property
    def is_cut(self) -> bool:
        """Whether only its beginning is shown."""
        return len(self._plain) > _MOST_CHARACTERS

    def line(self, label: str) -> str:
        shown = f"{self._plain[:_MOST_CHARACTERS]} [...]" if self.is_cut else self._plain
        return f"{label}: {shown}"

    @property
    def _plain(self) -> str:
        return " ".join(self.text.split())


@dataclass(frozen=True, slots=True)
class Question:
    """What a judging call is shown."""

    known: tuple[Shown, ...]
    new: tuple[Shown, ...]

    def text(self) -> str:
        """Return the variable part of the prompt."""
        return "\n".join(["Known:", *_lines("K", self.known), "", "New:", *_lines("N", self.new)])

    def ids(self) -> dict[str, UUID]:
        """Return the fact behind each label."""
        labelled = {f"K{number}": fact.fact_id for number, fact in enumerate(self.known, 1)}
        return labelled | {f"N{number}": fact.fact_id for number, fact in enumerate(self.new, 1)}


def digest(question_text: str, *, prompt_version: str, model: str) -> str:
    """Return what names a question to a model: the same one is never paid for twice."""
    return hashlib.sha256("\x00".join((prompt_version, model, question_text)).encode()).hexdigest()


def _lines(letter: str, facts: Iterable[Shown]) -> Iterator[str]:
    """Yield a line for each statement; the day on which it was said stands where it is not that of the line before."""
    day = None
    for number, fact in enumerate(facts, 1):
        yield fact.line(f"{letter}{number}" if fact.day == day else f"{letter}{number} ({fact.day})")
        day = fact.day


class JudgedPair(BaseModel):
    """Two statements that belong together."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    first: str = Field(description="Label of a new statement, such as N1.")
    second: str = Field(description="Label of a known statement, such as K3, or of another new one.")
    verdict: Literal["same", "replaces"]


class Judgement(BaseModel):
    """The form of the answer; pairs that are not in it have nothing to do with each other."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    pairs: tuple[JudgedPair, ...] = ()


def ask(known: Iterable[Shown], new: Sequence[Shown]) -> Question | None:
    """Return the question about `new`, with as many of `known` (most alike first) as one call shows; None for none."""
    shown = _fitting(known)
    if not shown or not new:
        return None
    # In the order in which they were said: the same facts make the same question, however they were ranked.
    shown.sort(key=lambda fact: (fact.said_at, fact.fact_id))
    return Question(known=tuple(shown), new=tuple(new))


def has_room_for(known: Iterable[Shown]) -> bool:
    """Return whether one call can show all of these."""
    facts = list(known)
    return len(_fitting(facts)) == len(facts)


def _fitting(known: Iterable[Shown]) -> list[Shown]:
    """Return as many as one call shows, the first ones first."""
    shown: list[Shown] = []
    room = MOST_KNOWN_TOKENS
    for fact in known:
        room -= tokens.estimate(fact.line("K99"))
        if room < 0 or len(shown) == MOST_KNOWN:
            break
        shown.append(fact)
    return shown


def parse(text: str) -> Judgement:
    """Return the judgement that `text` holds. Raises AnswerMalformed."""
    try:
        return Judgement.model_validate_json(text)
    except ValidationError:
        # Not chained: the validator's error repeats what was said.
        raise AnswerMalformed("the judgement does not fit the schema") from None


def verdicts(question: Question, judgement: Judgement) -> Verdicts:
    """Return the verdicts by the ids of the statements; labels that name nothing are passed over.

    So is that two say the same where one was shown in part: the rest of it, which may say more, would be lost.
    """
    ids = question.ids()
    cut = {fact.fact_id for fact in (*question.known, *question.new) if fact.is_cut}
    found: dict[frozenset[UUID], Relation] = {}
    for pair in judgement.pairs:
        first, second = ids.get(pair.first.strip()), ids.get(pair.second.strip())
        if first is None or second is None or first == second:
            continue
        verdict = Relation(pair.verdict)
        if verdict is not Relation.SAME or not cut & {first, second}:
            found.setdefault(frozenset((first, second)), verdict)
    return found
