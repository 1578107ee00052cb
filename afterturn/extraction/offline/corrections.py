"""Statements taken back: "no, I meant Berlin, not Munich", "sorry, it's on 19 July", "just kidding"."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from afterturn.extraction.offline import contractions, dates, statements
from afterturn.extraction.offline.speech import Utterance
from afterturn.extraction.offline.statements import Statement

_NEW = r"(?P<new>[\w' -]{1,40}?)"
_OLD = r"(?:,? (?:not|rather than|instead of) (?P<old>[\w' -]{1,40}?))?"
_REGRET = r"(?:no|sorry|oops|wait|correction|ah|oh|hmm|my mistake|my bad|actually)"
_MEANT = re.compile(
    rf"^(?:{_REGRET}[,.:!]* ?){{0,3}}(?:I (?:meant|mean)(?: to say)?|make that),? "
    rf"(?:(?P<not_first>not )(?P<old_first>[\w' -]{{1,40}}?),? but )?{_NEW}{_OLD}[.!]*$",
    re.IGNORECASE,
)
#: Without "meant" it is a correction only after a word of regret.
_IT_IS = re.compile(
    rf"^(?:{_REGRET}[,.:!]* ?){{1,3}}(?:it|that) (?:is|was|should be|should have been) "
    rf"(?:actually )?{_NEW}{_OLD}[.!]*$",
    re.IGNORECASE,
)
_TAKEN_BACK = re.compile(
    r"^(?:(?:no|haha|lol|sorry|oops)[,.:!]* ?){0,2}(?:I (?:am|was) )?(?:just |only )?(?:kidding|joking"
    r"|scratch that|that was a joke"
    r"|that was a lie)(?: about that)?[.!]*$",
    re.IGNORECASE,
)
#: Opens a statement that stands in the place of an earlier one about the same.
_INSTEAD = re.compile(r"^(?:no|sorry|oops|wait|correction|my mistake|my bad)\b", re.IGNORECASE)
_MAYBE = re.compile(
    r"\b(?:mean|meant|make that|kidding|joking|scratch|joke|lie|no|sorry|oops|wait|correction|mistake|bad|actually)\b",
    re.IGNORECASE,
)
#: Of these one may have several: another value corrects nothing.
_MANY = frozenset({"likes", "dislikes", "plays", "speaks", "owns", "plans_to", "travels_to", "has_pet", "allergic_to"})
#: "I meant I live in Bern" is a statement of its own, and no value.
_CLAUSE = re.compile(r"^(?:I|my|we|our) ", re.IGNORECASE)
_FILLER = re.compile(r"^(?:(?:on|in|at|to|the|an?) )+", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What is said in place of what; without `new`, the last statement is taken back."""

    new: str | None
    old: str | None
    #: False: where it fits nothing that was said, it is a statement like any other.
    is_only_correction: bool = True


def find(sentence: str) -> Correction | None:
    """Return the correction that `sentence` makes, or None."""
    if len(sentence) > 120 or not _MAYBE.search(sentence):
        return None
    written = contractions.written_out(sentence)
    if _TAKEN_BACK.match(written):
        return Correction(new=None, old=None)
    if match := _MEANT.match(written):
        if _CLAUSE.match(match["new"]):
            return None
        return Correction(new=match["new"], old=match["old"] or match["old_first"])
    match = _IT_IS.match(written)
    return Correction(new=match["new"], old=match["old"], is_only_correction=False) if match else None


def apply(correction: Correction, said: list[Statement], sentence: str, utterance: Utterance) -> bool:
    """Change `said`, the statements so far, as the speaker's correction asks. Returns whether it fitted one of them."""
    for index in range(len(said) - 1, -1, -1):
        statement = said[index]
        if statement.speaker != utterance.speaker:
            continue
        if correction.new is None:
            del said[index]
            return True
        corrected = _corrected(statement, correction)
        if corrected:
            quotes = (*statement.quotes, (utterance.turn, sentence))
            said[index] = replace(corrected, quotes=quotes, corrects=True)
            return True
        if not correction.old:
            return False
    return False


def instead(said: list[Statement], new: Statement, sentence: str) -> Statement:
    """Return `new` as a correction where its sentence is one: "No, I have three sisters". The old one is taken back."""
    attribute = new.about.attribute
    if not attribute or attribute in _MANY or not _INSTEAD.match(sentence):
        return new
    for index in range(len(said) - 1, -1, -1):
        old = said[index]
        if (old.speaker, old.about.subject, old.about.attribute) != (new.speaker, new.about.subject, attribute):
            continue
        if (old.about.value or "").casefold() == (new.about.value or "").casefold():
            return new
        del said[index]
        return replace(new, corrects=True)
    return new


def _corrected(statement: Statement, correction: Correction) -> Statement | None:
    """Return the statement as it would have read, or None where the correction does not fit it."""
    if correction.new is None:
        return None
    place = _place(statement.clause, correction, statement.about.value)
    if place is None:
        return None
    mistaken, new = re.escape(statement.clause[slice(*place)]), _FILLER.sub("", correction.new)
    clause = re.sub(rf"\b{mistaken}\b", lambda _: new, statement.clause)
    return statements.of_clause(clause, statement.quotes, statement.utterance)


def _place(clause: str, correction: Correction, value: str | None) -> tuple[int, int] | None:
    """Return where what was said by mistake stands in the clause."""
    assert correction.new is not None
    dated = dates.mention(clause)
    if (
        dated
        and dates.mention(f"on {correction.new}")
        and (not correction.old or dates.mention(f"on {correction.old}"))
    ):
        start, end = dated
        return start + len(_filler(clause[start:end])), end
    old = correction.old or value
    if not old:
        return None
    found = re.search(rf"\b{re.escape(_FILLER.sub('', old))}\b", clause, re.IGNORECASE)
    return found.span() if found else None


def _filler(text: str) -> str:
    found = _FILLER.match(text)
    return found.group() if found else ""
