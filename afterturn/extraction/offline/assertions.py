"""From a sentence to statements about its speaker: what it says, when it holds, how it reads in the third person."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from afterturn.extraction.offline import (
    clauses,
    contractions,
    kinship,
    properties,
    relative_dates,
    screening,
    tenses,
    third_person,
    topics,
)
from afterturn.extraction.offline.properties import Property
from afterturn.extraction.offline.relative_dates import DatedText
from afterturn.extraction.offline.speech import UNKNOWN_USER, Utterance
from afterturn.redaction import credentials

_BIRTHDAY = re.compile(r"\b(?:birthday|anniversary)\b", re.IGNORECASE)
_CALLED_AT_END = re.compile(r", (?P<name>\w{3,})$")
_STARTS_WITH_SPEAKER = re.compile(r"(?:I|[Mm]y|[Ww]e|[Oo]ur)\b")
#: Control characters, and the replacement of characters that cannot be stored.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ufffd\u2028\u2029]+")
_YEAR = re.compile(r"(?<=[a-z]) \d{4}\b")
_PRONOUN = re.compile(
    r"^(?:[Ss]he|[Hh]e|[Ii]t|[Tt]hey)(?= (?:is|was|are|were|has|have|had|works?|lives?|loves?|likes?|\w+ed)\b)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """One statement of a person about themselves."""

    text: str
    #: (number of the turn, quote): the words that state it.
    quotes: tuple[tuple[int, str], ...]
    speaker: str
    about: Property
    #: The words of the clause that are specific to its topic.
    specific_words: tuple[str, ...]
    #: Whether it only describes a state or a feeling, or does not start with the speaker. Then one specific word is not
    #: enough.
    is_thin: bool = False
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    #: Whether it replaces a mistaken statement.
    corrects: bool = False
    #: The original clause: in the first person, contractions expanded, dates as said.
    clause: str
    utterance: Utterance


def find_assertions(sentence: str, before: str, utterance: Utterance) -> Iterator[Assertion]:
    """Yield what a sentence asserts about its speaker; often nothing.

    Args:
        sentence: a part of the text of the utterance.
        before: the sentence before it in the same utterance, to which "she" may refer, or "".
        utterance: who said it, and when.
    """
    if credentials.mentions_secret(sentence):
        return
    statement = screening.extract_statement(contractions.expand(_CONTROL.sub(" ", sentence).replace("  ", " ")))
    if statement is None:
        return
    if utterance.addressee:
        statement = re.sub(rf"^{re.escape(utterance.addressee)}[,!] ", "", statement)
    quotes: tuple[tuple[int, str], ...] = ((utterance.turn, sentence),)
    if (
        _PRONOUN.match(statement)
        and not credentials.mentions_secret(before)
        and (referent := kinship.sole_relative(before))
    ):
        statement = _PRONOUN.sub(referent, statement)
        quotes = ((utterance.turn, before), *quotes)
    for clause in clauses.split_clauses(statement):
        if clauses.is_about_speaker(clause, has_addressee=utterance.addressee is not None):
            yield assertion_of_clause(clause, quotes, utterance)


def assertion_of_clause(clause: str, quotes: tuple[tuple[int, str], ...], utterance: Utterance) -> Assertion:
    """Return what a clause in the first person asserts."""
    speaker = utterance.speaker
    is_former = tenses.is_former(clause)
    is_past = tenses.is_past(clause)
    dated = _resolve_dates(clause, utterance.spoken_at, is_past=is_past)
    about = properties.find_property(tenses.without_former(dated.text), speaker, is_former=is_former)
    if about.category == "other":
        about = replace(about, category="plan" if tenses.is_future(clause) else "event" if is_past else "other")
    valid_from, valid_to = _validity(clause, dated, utterance.spoken_at, is_past=is_past)
    if is_former:
        valid_from, valid_to = None, utterance.spoken_at
    return Assertion(
        text=_render(dated.text, about, utterance),
        quotes=quotes,
        speaker=speaker,
        about=about,
        specific_words=tuple(topics.specific_words(clause)),
        is_thin=tenses.is_state(clause) or not _STARTS_WITH_SPEAKER.match(clause),
        valid_from=valid_from,
        valid_to=valid_to,
        clause=clause,
        utterance=utterance,
    )


def _render(clause: str, about: Property, utterance: Utterance) -> str:
    """Return the clause as a sentence in the third person."""
    if about.attribute == "name":
        return f"{third_person.possessive(utterance.speaker)} name is {about.value}."
    if about.attribute == "nickname":
        return f"{utterance.speaker} is called {about.value}."
    clause = clause.rstrip(" .!,;:…")
    called = _CALLED_AT_END.search(clause)
    if called and utterance.addressee and utterance.addressee.startswith(called["name"]):
        clause = clause[: called.start()]
    text = third_person.to_third_person(clause, utterance.speaker, utterance.addressee)
    if utterance.speaker == UNKNOWN_USER:
        text = text.replace(f" {UNKNOWN_USER}", f" {UNKNOWN_USER.lower()}")
    return text[0].upper() + text[1:] + "."


def _resolve_dates(clause: str, spoken_at: datetime, *, is_past: bool) -> DatedText:
    """Return the clause with absolute dates. A future birthday gets a day but no year, because it recurs."""
    dated = relative_dates.resolve_dates(clause, spoken_at, is_past=is_past)
    if dated.period is None or not _BIRTHDAY.search(clause) or is_past:
        return dated
    return DatedText(text=dated.text if _YEAR.search(clause) else _YEAR.sub("", dated.text))


def _validity(
    clause: str, dated: DatedText, spoken_at: datetime, *, is_past: bool
) -> tuple[datetime | None, datetime | None]:
    """Return since when and until when a statement is valid, as far as its dates say so.

    A past event is valid from its day on. A plan is valid until the end of its day.
    """
    if dated.period is None:
        return (None if is_past else relative_dates.start_of_duration(clause, spoken_at)), None
    start, end = dated.period.start(spoken_at.tzinfo), dated.period.end(spoken_at.tzinfo)
    if dated.bound in ("until", "till", "by"):
        return None, end
    if is_past or dated.bound in ("since", "starting") or end <= spoken_at:
        return start, None
    return None, end
