"""The question and the answer of a judging call: which new statements repeat or replace which known ones.

One call compares all candidates of a batch. It lists each known fact and each new one once, so that its size grows with
their number and not with the number of pairs. The answer is stored under the digest of the question.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from afterturn import tokens
from afterturn.consolidation.decisions import Verdicts
from afterturn.errors import AnswerMalformed
from afterturn.llm import answer_text
from afterturn.relations import Relation

#: The maximum number of known facts in one call, and of their tokens. Measured on HaluMem: with 120 of 300 facts they
#: include the old value of every update; with 60 they lack the old value of one update in twenty.
MAX_KNOWN_FACTS = 150
MAX_KNOWN_TOKENS = 3_500
#: The maximum length of one statement in the question. A longer statement is cut.
_MAX_CHARACTERS = 400

_LABEL = re.compile(r"\b([KNkn])\s*(\d{1,6})\b")


@dataclass(frozen=True, slots=True)
class ShownFact:
    """A fact, or a candidate with the id of its future fact, as a judging call shows it."""

    fact_id: UUID
    text: str
    said_at: datetime

    @property
    def day(self) -> str:
        return self.said_at.date().isoformat()

    @property
    def is_cut(self) -> bool:
        """Whether only the beginning of the text is shown."""
        return len(self._plain) > _MAX_CHARACTERS

    def line(self, label: str) -> str:
        plain = self._plain
        shown = f"{plain[:_MAX_CHARACTERS]} [...]" if len(plain) > _MAX_CHARACTERS else plain
        return f"{label}: {shown}"

    @property
    def _plain(self) -> str:
        return " ".join(self.text.split())


@dataclass(frozen=True, slots=True)
class JudgeQuestion:
    """The question of a judging call."""

    known: tuple[ShownFact, ...]
    new: tuple[ShownFact, ...]

    def text(self) -> str:
        """Return the variable part of the prompt."""
        return "\n".join(["Known:", *_lines("K", self.known), "", "New:", *_lines("N", self.new)])

    def ids(self) -> dict[str, UUID]:
        """Return the fact behind each label."""
        labelled = {f"K{number}": fact.fact_id for number, fact in enumerate(self.known, 1)}
        return labelled | {f"N{number}": fact.fact_id for number, fact in enumerate(self.new, 1)}


def question_digest(question_text: str, *, prompt_version: str, model: str) -> str:
    """Return the key under which the answer to a question is stored, so that no question is paid for twice."""
    return hashlib.sha256("\x00".join((prompt_version, model, question_text)).encode()).hexdigest()


def _lines(letter: str, facts: Iterable[ShownFact]) -> Iterator[str]:
    """Yield one line per statement, with the day on which it was said if that differs from the line before."""
    day = None
    for number, fact in enumerate(facts, 1):
        label, before, day = f"{letter}{number}", day, fact.day
        yield fact.line(label if day == before else f"{label} ({day})")


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
    #: How many pairs could not be read. They stay undecided. It is not part of the schema.
    unreadable: SkipJsonSchema[int] = 0


def _read_label(value: object) -> str | None:
    labels = _LABEL.findall(value) if isinstance(value, str) else []
    return f"{labels[0][0].upper()}{int(labels[0][1])}" if len(labels) == 1 else None


def make_question(known: Iterable[ShownFact], new: Sequence[ShownFact]) -> JudgeQuestion | None:
    """Return the question that compares `new` with as many of `known` (most similar first) as fit into one call.

    None if there is nothing to compare.
    """
    shown = _first_that_fit(known)
    if not shown or not new:
        return None
    # In the order of time: the same facts then give the same question and digest, whatever their ranks.
    shown.sort(key=lambda fact: (fact.said_at, fact.fact_id))
    return JudgeQuestion(known=tuple(shown), new=tuple(new))


def fits_one_call(known: Iterable[ShownFact]) -> bool:
    """Return whether all of these facts fit into one call."""
    facts = list(known)
    return len(_first_that_fit(facts)) == len(facts)


def _first_that_fit(known: Iterable[ShownFact]) -> list[ShownFact]:
    """Return the first facts, as many as fit into one call."""
    shown: list[ShownFact] = []
    room = MAX_KNOWN_TOKENS
    for fact in known:
        room -= tokens.estimate(fact.line("K99"))
        if room < 0 or len(shown) == MAX_KNOWN_FACTS:
            break
        shown.append(fact)
    return shown


def parse_judgement(text: str) -> Judgement:
    """Parse a judge's answer: a JSON object, with or without text around it. An unreadable pair stays undecided.

    Raises AnswerMalformed if no pair can be read.
    """
    found = answer_text.find_object(text, Judgement)
    if found is None:
        raise AnswerMalformed("the judgement contains no JSON object of the form asked for")
    judgement = _read_judgement(found)
    if judgement is None or (judgement.unreadable and not judgement.pairs):
        raise AnswerMalformed("the judgement does not fit the schema")
    return judgement


def _read_judgement(data: Mapping[str, object]) -> Judgement | None:
    """Return the pairs of an answer; None if it has no place for them."""
    if not data:
        return Judgement()
    items = data.get("pairs", [data] if data.keys() >= {"first", "second"} else None)
    if "pairs" in data and not items:
        return Judgement()
    if isinstance(items, dict):
        items = [items]
    if not isinstance(items, list):
        return None
    pairs = [_read_pair(item) for item in items]
    readable = tuple(pair for pair in pairs if pair is not None)
    return Judgement(pairs=readable, unreadable=len(pairs) - len(readable))


def _read_pair(item: object) -> JudgedPair | None:
    """Return a pair with labels such as "N1", "[n1]" or "N 1"; None if a label or the verdict is not known."""
    if not isinstance(item, dict):
        return None
    first, second = _read_label(item.get("first")), _read_label(item.get("second"))
    verdict = item.get("verdict")
    word = verdict.strip().casefold() if isinstance(verdict, str) else None
    if first is None or second is None or word not in ("same", "replaces"):
        return None
    return JudgedPair(first=first, second=second, verdict="same" if word == "same" else "replaces")


def to_verdicts(question: JudgeQuestion, judgement: Judgement) -> Verdicts:
    """Return the verdicts by the ids of the statements. Unknown labels are ignored.

    A verdict that two statements say the same is ignored if one of them was cut: the rest of it may say more, and would
    be lost.
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
