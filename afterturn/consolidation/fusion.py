"""Decide how two statements that say the same become one, so that nothing that either of them says is lost.

Pure functions of the two statements. The fuller one stays; if each says something that the other lacks, both are united
in one text; if they exclude each other, or are too long together, both stay.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from afterturn.consolidation import details, rules
from afterturn.consolidation.guards import Guard
from afterturn.consolidation.rules import Comparable
from afterturn.extraction.verification import normalise
from afterturn.relation import Relation

#: The longest part of a statement that a model is shown. What it did not see may say more.
SHOWN_CHARACTERS = 400
#: The longest united text. Longer: a fact is no single statement any more, and an update ends all of it.
UNITED_CHARACTERS = 280
#: What a statement ends with, which is left out where another one follows; also the signs of Chinese and Japanese.
_ENDS = " .;\u3002\uff1b"


class Outcome(StrEnum):
    """What becomes of two statements that say the same."""

    #: The known one stays, and gets the evidence of the new one.
    KEEP = "keep"
    #: The new one takes the place of the known one.
    TAKE = "take"
    #: A third one has the text of both.
    UNITE = "unite"
    #: Both stay.
    SEPARATE = "separate"


@dataclass(frozen=True, slots=True)
class Fusion:
    """The outcome for a known and a new statement."""

    outcome: Outcome
    #: The text of both, if they are united.
    text: str | None = None
    #: Why both stay.
    guard: Guard | None = None


def fuse(known: Comparable, new: Comparable, relation: Relation, *, is_new_later: bool = True) -> Fusion:
    """Return what becomes of a known and a new statement.

    Args:
        known: the statement that is known.
        new: the statement that is compared with it.
        relation: `same` if the new one says nothing beyond the known one, or `refines` if it says all of it, and more.
        is_new_later: whether the new one was said after the known one: a united text has the order of time.
    """
    if rules.are_separate_events(known, new):
        return Fusion(Outcome.SEPARATE, guard=Guard.EVENTS)
    if normalise(known.text) == normalise(new.text):
        return Fusion(Outcome.KEEP if _loses_no_date(known, new) else Outcome.TAKE)
    if max(len(" ".join(statement.text.split())) for statement in (known, new)) > SHOWN_CHARACTERS:
        return Fusion(Outcome.SEPARATE, guard=Guard.CUT)
    if guard := details.find_conflict(known.text, new.text):
        return Fusion(Outcome.SEPARATE, guard=guard)
    if _loses_no_date(known, new) and details.says_all_of(known.text, new.text):
        return Fusion(Outcome.KEEP)
    if _loses_no_date(new, known) and details.says_all_of(new.text, known.text):
        return Fusion(Outcome.TAKE)
    if relation is Relation.SAME and _keeps_all(known, new):
        return Fusion(Outcome.KEEP)
    text = unite_texts(*((known.text, new.text) if is_new_later else (new.text, known.text)))
    return Fusion(Outcome.UNITE, text=text) if text else Fusion(Outcome.SEPARATE, guard=Guard.LENGTH)


def unite_texts(earlier: str, later: str) -> str | None:
    """Return one statement with the texts of two; None if it would be too long."""
    united = f"{' '.join(earlier.split()).rstrip(_ENDS)}; {' '.join(later.split())}"
    return united if len(united) <= UNITED_CHARACTERS else None


def _keeps_all(known: Comparable, new: Comparable) -> bool:
    """Return whether the known statement has each detail of one that, by its verdict, says nothing beyond it."""
    return (
        _loses_no_date(known, new)
        and details.has_details_of(known.text, new.text)
        and details.has_clauses_of(known.text, new.text)
    )


def _loses_no_date(fuller: Comparable, poorer: Comparable) -> bool:
    """Return whether the fuller statement has a date, if the poorer one is an event with a date."""
    if poorer.valid_from is None or "event" not in (fuller.category, poorer.category):
        return True
    return fuller.valid_from is not None or bool(details.read_details(fuller.text).dates)
