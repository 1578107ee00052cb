"""The question and the answer of a judging call: the relations of new statements to known ones.

One call compares all candidates of a batch. It lists each known fact and each new one once, so that its size grows with
their number and not with the number of pairs. The answer is stored under the digest of the question.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from afterturn import tokens
from afterturn.consolidation.decisions import Verdicts
from afterturn.consolidation.fusion import SHOWN_CHARACTERS
from afterturn.errors import AnswerMalformed
from afterturn.llm import answer_text
from afterturn.relation import Relation

#: The maximum number of known facts in one call, and of their tokens.
MAX_KNOWN_FACTS = 150
MAX_KNOWN_TOKENS = 3_500
_RELATIONS = frozenset(Relation)
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

    def line(self, label: str) -> str:
        plain = self._plain
        shown = f"{plain[:SHOWN_CHARACTERS]} [...]" if len(plain) > SHOWN_CHARACTERS else plain
        return f"{label}: {shown}"

    @property
    def _plain(self) -> str:
        return " ".join(self.text.split())


@dataclass(frozen=True, slots=True)
class JudgeQuestion:
    """The question of a judging call."""

    known: tuple[ShownFact, ...]
    new: tuple[ShownFact, ...]
    #: If only the new ones of one group are to be compared: the number in each group, in their order.
    group_sizes: tuple[int, ...] = ()

    def text(self) -> str:
        """Return the variable part of the prompt."""
        known = ["Known:", *_lines("K", self.known), ""] if self.known else []
        new = list(_lines("N", self.new))
        starts = set(itertools.accumulate(self.group_sizes[:-1]))
        separated = [f"\n{line}" if place in starts else line for place, line in enumerate(new)]
        return "\n".join([*known, "New:", *separated])

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


@dataclass(frozen=True, slots=True)
class JudgedPair:
    """The relation of a statement to another one, by their labels."""

    first: str
    second: str
    relation: Relation


class Judgement(BaseModel):
    """The form of the answer; pairs that are not in it have nothing to do with each other."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    pairs: tuple[str, ...] = Field((), description="Such as N1 same K3: label, verdict, label.")


class _PairOfJudge1(BaseModel):
    first: str
    second: str
    verdict: str


class _AnswerToJudge1(BaseModel):
    """The form of stored answers to the prompt judge-1, for `answer_text`."""

    pairs: tuple[_PairOfJudge1, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadJudgement:
    """What could be read of an answer."""

    pairs: tuple[JudgedPair, ...] = ()
    #: How many pairs could not be read. They stay undecided.
    unreadable: int = 0


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


def parse_judgement(text: str) -> ReadJudgement:
    """Parse a judge's answer: a JSON object, with or without text around it. An unreadable pair stays undecided.

    Answers to the prompt judge-1, whose pairs are objects, are read as well. Raises AnswerMalformed if no pair can be
    read.
    """
    found = answer_text.find_object(text, Judgement) or answer_text.find_object(text, _AnswerToJudge1)
    if found is None:
        raise AnswerMalformed("the judgement contains no JSON object of the form asked for")
    judgement = _read_judgement(found)
    if judgement is None or (judgement.unreadable and not judgement.pairs):
        raise AnswerMalformed("the judgement does not fit the schema")
    return judgement


def _read_judgement(data: Mapping[str, object]) -> ReadJudgement | None:
    """Return the pairs of an answer; None if it has no place for them."""
    if not data:
        return ReadJudgement()
    items = data.get("pairs", [data] if data.keys() >= {"first", "second"} else None)
    if "pairs" in data and not items:
        return ReadJudgement()
    if isinstance(items, str | dict):
        items = [items]
    if not isinstance(items, list):
        return None
    pairs = [_read_pair(item) for item in items]
    readable = tuple(pair for pair in pairs if pair is not None)
    return ReadJudgement(pairs=readable, unreadable=len(pairs) - len(readable))


def _read_pair(item: object) -> JudgedPair | None:
    """Return a pair such as "N1 same K3", "[n1]: same, k 3" or an object; None if a part of it is not known."""
    if isinstance(item, dict):
        first, second = _read_label(item.get("first")), _read_label(item.get("second"))
        relation = _read_relation(item.get("verdict"))
    elif isinstance(item, str) and len(labels := _LABEL.findall(item)) == 2:
        first, second = (f"{letter.upper()}{int(number)}" for letter, number in labels)
        relation = _read_relation(_LABEL.sub(" ", item))
    else:
        return None
    if first is None or second is None or relation is None:
        return None
    return JudgedPair(first=first, second=second, relation=relation)


def _read_relation(value: object) -> Relation | None:
    words = re.findall(r"[a-z]+", value.casefold()) if isinstance(value, str) else []
    return Relation(words[0]) if len(words) == 1 and words[0] in _RELATIONS else None


def to_verdicts(question: JudgeQuestion, judgement: ReadJudgement) -> Verdicts:
    """Return the verdicts by the ids of the statements. Unknown labels are ignored; of a pair, the first counts."""
    ids = question.ids()
    found: dict[tuple[UUID, UUID], Relation] = {}
    for pair in judgement.pairs:
        first, second = ids.get(pair.first), ids.get(pair.second)
        if first is None or second is None or first == second or (second, first) in found:
            continue
        found.setdefault((first, second), pair.relation)
    return found
