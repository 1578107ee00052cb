"""Who says what: the parts of a batch that a person said of himself."""

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
    r"^[ \t]{0,8}(?P<who>user|human|assistant|ai|bot|system|tool)[ \t]*:[ \t]*", re.IGNORECASE | re.MULTILINE
)
_NAME = r"(?P<name>[^\W\d_a-z][\w'-]{1,30}(?: [^\W\d_a-z][\w'-]{0,30}){0,3})"
_CALLED = re.compile(rf"\b(?:[Mm]y (?:full )?name(?:['\u2019]s| is)|[Cc]all me|[Tt]his is|[Pp]eople call me) {_NAME}")
_I_AM = re.compile(
    rf"(?:^|[.!?,\n] ?)(?:(?:[Hh]i|[Hh]ello|[Hh]ey),? )?I(?:['\u2019]m| am) {_NAME}(?=[,.!]|$| and I\b| from\b)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """What one person said in one turn."""

    #: Number of the turn in the batch, the first being 1; of the context's turns the last is 0.
    turn: int
    #: A piece of the turn's content, word for word.
    text: str
    #: How the speaker is named in facts.
    speaker: str
    #: Whom "you" is, where a person is spoken to.
    addressee: str | None
    #: When it was said, in the user's timezone.
    spoken_at: datetime


def utterances(request: ExtractionRequest) -> Iterator[Utterance]:
    """Yield what people said, in the context and the batch, in order; assistants, tools and systems are left out."""
    zone = timezones.of(request.timezone)
    names = _names(request)
    for number, turn in enumerate((*request.context, *request.turns), start=1 - len(request.context)):
        speaker = _speaker(turn, names)
        others = names.people - {speaker}
        for text in _said_by_people(turn):
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
    user = request.user_name or _learnt_name((*request.context, *request.turns)) or UNKNOWN_USER
    return _Names(user=user, people=people if len(people) > 1 else frozenset())


def _speaker(turn: Turn, names: _Names) -> str:
    return turn.name or names.user


def _learnt_name(turns: Sequence[Turn]) -> str | None:
    """The name by which an unnamed user introduces himself, if he does."""
    for turn in turns:
        if turn.name:
            continue
        for text in _said_by_people(turn):
            for pattern in (_CALLED, _I_AM):
                found = pattern.search(text[:4000])
                if found and nationalities.may_be_name(found["name"]):
                    return found["name"]
    return None


def _said_by_people(turn: Turn) -> Iterator[str]:
    if turn.role == "user":
        yield turn.content
    elif turn.role == "exchange":
        yield from _users_part(turn.content)


def _users_part(exchange: str) -> Iterator[str]:
    """Yield what stands after "User:" lines; all of it when no line names a speaker."""
    prefixes = list(_PREFIX.finditer(exchange))
    if not prefixes:
        yield exchange
        return
    for index, prefix in enumerate(prefixes):
        end = prefixes[index + 1].start() if index + 1 < len(prefixes) else len(exchange)
        if prefix["who"].lower() in ("user", "human"):
            yield exchange[prefix.end() : end]
