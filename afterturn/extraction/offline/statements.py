"""From a sentence to statements about its speaker: what it says, when it holds, how it reads in the third person."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from afterturn.extraction import credentials
from afterturn.extraction.offline import (
    attributes,
    clauses,
    contractions,
    dates,
    kinship,
    screening,
    tenses,
    third_person,
    topics,
)
from afterturn.extraction.offline.attributes import Property
from afterturn.extraction.offline.speech import UNKNOWN_USER, Utterance

_BIRTHDAY = re.compile(r"\b(?:birthday|anniversary)\b", re.IGNORECASE)
_CALLED_AT_END = re.compile(r", (?P<name>\w{3,})$")
_ABOUT_SELF = re.compile(r"(?:I|[Mm]y|[Ww]e|[Oo]ur)\b")
#: Control characters and what stands for those that cannot be stored.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ufffd\u2028\u2029]+")
_YEAR = re.compile(r"(?<=[a-z]) \d{4}\b")
_PRONOUN = re.compile(
    r"^(?:[Ss]he|[Hh]e|[Ii]t|[Tt]hey)(?= (?:is|was|are|were|has|have|had|works?|lives?|loves?|likes?|\w+ed)\b)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One thing that a person said of himself."""

    text: str
    #: The words that say it, each with the number of its turn.
    quotes: tuple[tuple[int, str], ...]
    speaker: str
    about: Property
    #: Words that say what it is about.
    telling: tuple[str, ...]
    #: It says only how somebody is or feels, or is about something else, so that one telling word is too little.
    is_thin: bool = False
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    #: It stands in the place of something that was said by mistake.
    corrects: bool = False
    #: What it was read from: in the first person, contractions written out, dates as they were said.
    clause: str
    utterance: Utterance


def read(sentence: str, before: str, utterance: Utterance) -> Iterator[Statement]:
    """Yield what `sentence`, a piece of the utterance's text, states about its speaker; often nothing.

    `before` is the sentence before it in the same utterance, to which "she" may refer, or "".
    """
    if credentials.names_secret(sentence):
        return
    stated = screening.statement(contractions.written_out(_CONTROL.sub(" ", sentence).replace("  ", " ")))
    if stated is None:
        return
    if utterance.addressee:
        stated = re.sub(rf"^{re.escape(utterance.addressee)}[,!] ", "", stated)
    quotes: tuple[tuple[int, str], ...] = ((utterance.turn, sentence),)
    if _PRONOUN.match(stated) and not credentials.names_secret(before) and (referent := kinship.only_mention(before)):
        stated = _PRONOUN.sub(referent, stated)
        quotes = ((utterance.turn, before), *quotes)
    for clause in clauses.split(stated):
        if clauses.is_about_speaker(clause, has_addressee=utterance.addressee is not None):
            yield of_clause(clause, quotes, utterance)


def of_clause(clause: str, quotes: tuple[tuple[int, str], ...], utterance: Utterance) -> Statement:
    """Return what a clause in the first person, of an utterance, states."""
    speaker = utterance.speaker
    former = tenses.is_former(clause)
    past = tenses.is_past(clause)
    dated = _dated(clause, utterance.spoken_at, past=past)
    about = attributes.find(tenses.without_former(dated.text), speaker, former=former)
    if about.category == "other":
        about = replace(about, category="plan" if tenses.is_future(clause) else "event" if past else "other")
    begins, ends = _validity(clause, dated, utterance.spoken_at, past=past)
    if former:
        begins, ends = None, utterance.spoken_at
    return Statement(
        text=_told(dated.text, about, utterance),
        quotes=quotes,
        speaker=speaker,
        about=about,
        telling=tuple(topics.telling(clause)),
        is_thin=tenses.is_state(clause) or not _ABOUT_SELF.match(clause),
        valid_from=begins,
        valid_to=ends,
        clause=clause,
        utterance=utterance,
    )


def _told(clause: str, about: Property, utterance: Utterance) -> str:
    if about.attribute == "name":
        return f"{third_person.possessive(utterance.speaker)} name is {about.value}."
    if about.attribute == "nickname":
        return f"{utterance.speaker} is called {about.value}."
    clause = clause.rstrip(" .!,;:…")
    called = _CALLED_AT_END.search(clause)
    if called and utterance.addressee and utterance.addressee.startswith(called["name"]):
        clause = clause[: called.start()]
    text = third_person.told(clause, utterance.speaker, utterance.addressee)
    if utterance.speaker == UNKNOWN_USER:
        text = text.replace(f" {UNKNOWN_USER}", f" {UNKNOWN_USER.lower()}")
    return text[0].upper() + text[1:] + "."


def _dated(clause: str, moment: datetime, *, past: bool) -> dates.Dated:
    """The clause with absolute dates; a birthday comes every year, so it keeps its day but gets no year."""
    dated = dates.made_absolute(clause, moment, past=past)
    if dated.period is None or not _BIRTHDAY.search(clause) or past:
        return dated
    return dates.Dated(text=dated.text if _YEAR.search(clause) else _YEAR.sub("", dated.text))


def _validity(
    clause: str, dated: dates.Dated, moment: datetime, *, past: bool
) -> tuple[datetime | None, datetime | None]:
    """Since when and until when a statement holds, as far as it says so.

    What happened holds from its day on; a plan holds until its day is over.
    """
    if dated.period is None:
        return (None if past else dates.so_far(clause, moment)), None
    start, end = dated.period.start(moment.tzinfo), dated.period.end(moment.tzinfo)
    if dated.bound in ("until", "till", "by"):
        return None, end
    if past or dated.bound in ("since", "starting") or end <= moment:
        return start, None
    return None, end
