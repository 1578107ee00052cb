"""Find the utterances of people in a batch: who said what, to whom, and when."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from afterturn.extraction import timezones
from afterturn.extraction.extractor import ExtractionRequest
from afterturn.extraction.offline import nationalities
from afterturn.turns import Turn

UNKNOWN_USER = "The user"

_PREFIX = re.compile(
    r"^[ \t]{0,8}(?P<role>user|human|assistant|ai|bot|system|tool)[ \t]*:[ \t]*", re.IGNORECASE | re.MULTILINE
)
_NAME = r"(?P<name>[^\W\d_a-z][\w'-]{1,30}(?: [^\W\d_a-z][\w'-]{0,30}){0,3})"
_NAME_INTRODUCTION = re.compile(
    rf"\b(?:[Mm]y (?:full )?name(?:['\u2019]s| is)|[Cc]all me|[Tt]his is|[Pp]eople call me) {_NAME}"
)
_I_AM = re.compile(
    rf"(?:^|[.!?,\n] ?)(?:(?:[Hh]i|[Hh]ello|[Hh]ey),? )?I(?:['\u2019]m| am) {_NAME}(?=[,.!]|$| and I\b| from\b)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """What one person said in one turn."""

    #: The number of the turn in the batch; the first is 1, and the last turn of the context is 0.
    turn: int
    #: A part of the content of the turn, unchanged.
    text: str
    #: The name of the speaker in facts.
    speaker: str
    #: The person whom "you" means; None if that is not known.
    addressee: str | None
    #: In the timezone of the user.
    spoken_at: datetime


def find_utterances(request: ExtractionRequest) -> Iterator[Utterance]:
    """Yield the utterances of people in the context and the batch, in order, without assistants, tools and systems."""
    zone = timezones.timezone_of(request.timezone)
    names = _names(request)
    for number, turn in enumerate((*request.context, *request.turns), start=1 - len(request.context)):
        speaker = _speaker(turn, names)
        others = names.people - {speaker}
        for text in _texts_of_people(turn):
            yield Utterance(
                turn=number,
                text=text,
                speaker=speaker,
                addressee=next(iter(others)) if len(others) == 1 else None,
                spoken_at=turn.occurred_at.astimezone(zone),
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Names:
    user: str
    people: frozenset[str]


def _names(request: ExtractionRequest) -> _Names:
    people = frozenset(turn.name for turn in request.turns if turn.role == "user" and turn.name)
    user = request.user_name or _introduced_name((*request.context, *request.turns)) or UNKNOWN_USER
    return _Names(user=user, people=people if len(people) > 1 else frozenset())


def _speaker(turn: Turn, names: _Names) -> str:
    return turn.name or names.user


def _introduced_name(turns: Sequence[Turn]) -> str | None:
    """Return the name with which an unnamed user introduces themselves; None if they do not."""
    for turn in turns:
        if turn.name:
            continue
        for text in _texts_of_people(turn):
            for pattern in (_NAME_INTRODUCTION, _I_AM):
                match = pattern.search(text[:4000])
                if match and nationalities.may_be_name(match["name"]):
                    return match["name"]
    return None


def _texts_of_people(turn: Turn) -> Iterator[str]:
    if turn.role == "user":
        yield turn.content
    elif turn.role == "exchange":
        yield from _texts_of_user(turn.content)


def _texts_of_user(exchange: str) -> Iterator[str]:
    """Yield the texts after "User:" in an exchange; the whole text if no line names a speaker."""
    prefixes = list(_PREFIX.finditer(exchange))
    if not prefixes:
        yield exchange
        return
    for index, prefix in enumerate(prefixes):
        end = prefixes[index + 1].start() if index + 1 < len(prefixes) else len(exchange)
        if prefix["role"].lower() in ("user", "human"):
            yield exchange[prefix.end() : end]
