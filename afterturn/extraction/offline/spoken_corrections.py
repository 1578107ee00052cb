"""Corrections in a conversation: "no, I meant Berlin, not Munich", "sorry, it's on 19 July", "just kidding"."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from afterturn.extraction.offline import assertions, contractions, relative_dates
from afterturn.extraction.offline.assertions import Assertion
from afterturn.extraction.offline.speech import Utterance

_NEW = r"(?P<new>[\w' -]{1,40}?)"
_OLD = r"(?:,? (?:not|rather than|instead of) (?P<old>[\w' -]{1,40}?))?"
_REGRET = r"(?:no|sorry|oops|wait|correction|ah|oh|hmm|my mistake|my bad|actually)"
_MEANT = re.compile(
    rf"^(?:{_REGRET}[,.:!]* ?){{0,3}}(?:I (?:meant|mean)(?: to say)?|make that),? "
    rf"(?:(?P<not_first>not )(?P<old_first>[\w' -]{{1,40}}?),? but )?{_NEW}{_OLD}[.!]*$",
    re.IGNORECASE,
)
#: Without "meant", a sentence is a correction only if it starts with a word of regret.
_IT_IS = re.compile(
    rf"^(?:{_REGRET}[,.:!]* ?){{1,3}}(?:it|that) (?:is|was|should be|should have been) "
    rf"(?:actually )?{_NEW}{_OLD}[.!]*$",
    re.IGNORECASE,
)
_RETRACTION = re.compile(
    r"^(?:(?:no|haha|lol|sorry|oops)[,.:!]* ?){0,2}(?:I (?:am|was) )?(?:just |only )?(?:kidding|joking"
    r"|scratch that|that was a joke"
    r"|that was a lie)(?: about that)?[.!]*$",
    re.IGNORECASE,
)
#: The start of a statement that replaces an earlier one about the same property.
_REPLACEMENT = re.compile(r"^(?:no|sorry|oops|wait|correction|my mistake|my bad)\b", re.IGNORECASE)
_MAYBE = re.compile(
    r"\b(?:mean|meant|make that|kidding|joking|scratch|joke|lie|no|sorry|oops|wait|correction|mistake|bad|actually)\b",
    re.IGNORECASE,
)
#: Properties that may have several values. A further value is not a correction.
_MULTIPLE_VALUES = frozenset(
    {"likes", "dislikes", "plays", "speaks", "owns", "plans_to", "travels_to", "has_pet", "allergic_to"}
)
#: "I meant I live in Bern" contains a whole statement, not a value.
_CLAUSE = re.compile(r"^(?:I|my|we|our) ", re.IGNORECASE)
#: Properties whose values are names, which some people write in lower case.
_VALUES_ARE_NAMES = frozenset(
    {
        *("name", "nickname", "lives_in", "lived_in", "from", "born_in", "grew_up_in", "works_at", "worked_at"),
        *("graduated_from", "travels_to", "speaks", "has_pet", "owns", "likes", "dislikes"),
    }
)
_NUMBER = re.compile(
    r"(?:\d[\d.,:]*|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\b(?! [A-Z])", re.IGNORECASE
)
_TIME = re.compile(
    r"\b(?:yesterday|today|tomorrow|tonight|(?:last|next|this) (?:week|weekend|month|year|night|summer|winter|spring"
    r"|autumn|fall)|years? ago|months? ago|weeks? ago|days? ago)\b",
    re.IGNORECASE,
)
_FILLER = re.compile(r"^(?:(?:on|in|at|to|the|an?) )+", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenCorrection:
    """A new value for an old one, or the retraction of the last statement."""

    #: None: the last statement is retracted.
    new: str | None
    #: None: any value of the last statement.
    old: str | None
    #: False: if it matches no earlier statement, the sentence may be a statement itself.
    is_only_correction: bool = True


def find_correction(sentence: str) -> SpokenCorrection | None:
    """Return the correction that a sentence makes; None if it makes none."""
    if len(sentence) > 120 or not _MAYBE.search(sentence):
        return None
    expanded = contractions.expand(sentence)
    if _RETRACTION.match(expanded):
        return SpokenCorrection(new=None, old=None)
    if match := _MEANT.match(expanded):
        if _CLAUSE.match(match["new"]):
            return None
        return SpokenCorrection(new=match["new"], old=match["old"] or match["old_first"])
    match = _IT_IS.match(expanded)
    return SpokenCorrection(new=match["new"], old=match["old"], is_only_correction=False) if match else None


def apply_correction(
    correction: SpokenCorrection, asserted: list[Assertion], sentence: str, utterance: Utterance
) -> bool:
    """Apply a correction of a speaker to the assertions so far. Return whether it matched one of them.

    Args:
        correction: what `find_correction` returned.
        asserted: the assertions so far; changed in place.
        sentence: of the correction; it becomes a quote of the corrected assertion.
        utterance: of the sentence.
    """
    for index in range(len(asserted) - 1, -1, -1):
        assertion = asserted[index]
        if assertion.speaker != utterance.speaker:
            continue
        if correction.new is None:
            del asserted[index]
            return True
        corrected = _corrected(assertion, correction)
        if corrected:
            quotes = (*assertion.quotes, (utterance.turn, sentence))
            asserted[index] = replace(corrected, quotes=quotes, corrects=True)
            return True
        if not correction.old:
            return False
    return False


def replace_earlier(asserted: list[Assertion], new: Assertion, sentence: str) -> Assertion:
    """Return `new`, marked as a correction if it replaces an earlier assertion, which is then removed.

    Example: "I have two sisters. No, I have three sisters."
    """
    attribute = new.about.attribute
    if not attribute or attribute in _MULTIPLE_VALUES or not _REPLACEMENT.match(sentence):
        return new
    for index in range(len(asserted) - 1, -1, -1):
        old = asserted[index]
        if (old.speaker, old.about.subject, old.about.attribute) != (new.speaker, new.about.subject, attribute):
            continue
        if (old.about.value or "").casefold() == (new.about.value or "").casefold():
            return new
        del asserted[index]
        return replace(new, corrects=True)
    return new


def _corrected(assertion: Assertion, correction: SpokenCorrection) -> Assertion | None:
    """Return the assertion with the new value; None if the correction does not match it."""
    if correction.new is None:
        return None
    span = _mistaken_span(assertion.clause, correction, assertion.about.value)
    if span is None or not _may_replace(assertion.clause[slice(*span)], correction.new, assertion.about.attribute):
        return None
    mistaken, new = re.escape(assertion.clause[slice(*span)]), _FILLER.sub("", correction.new)
    clause = re.sub(rf"\b{mistaken}\b", lambda _: new, assertion.clause)
    return assertions.assertion_of_clause(clause, assertion.quotes, assertion.utterance)


def _may_replace(old: str, new: str, attribute: str | None) -> bool:
    """Return whether a value may stand in place of another: a name is no job, and a day is no city.

    "No, that was Tom" after "I work as a nurse" says who, not what.
    """
    old_kind, new_kind = _kind_of(old), _kind_of(new)
    if {old_kind, new_kind} == {"name", "word"}:
        return attribute in _VALUES_ARE_NAMES
    return old_kind == new_kind


def _kind_of(value: str) -> str:
    """Return number, time, name or word: what kind of value this is, by its form."""
    bare = _FILLER.sub("", value).strip()
    if _NUMBER.match(bare):
        return "number"
    if relative_dates.find_date(f"on {bare}") or relative_dates.find_date(bare) or _TIME.search(bare):
        return "time"
    return "name" if bare[:1].isupper() else "word"


def _mistaken_span(clause: str, correction: SpokenCorrection, value: str | None) -> tuple[int, int] | None:
    """Return start and end of the mistaken words in a clause; None if it does not contain them."""
    assert correction.new is not None
    date_span = relative_dates.find_date(clause)
    if (
        date_span
        and relative_dates.find_date(f"on {correction.new}")
        and (not correction.old or relative_dates.find_date(f"on {correction.old}"))
    ):
        start, end = date_span
        return start + len(_filler(clause[start:end])), end
    old = correction.old or value
    if not old:
        return None
    match = re.search(rf"\b{re.escape(_FILLER.sub('', old))}\b", clause, re.IGNORECASE)
    return match.span() if match else None


def _filler(text: str) -> str:
    match = _FILLER.match(text)
    return match.group() if match else ""
