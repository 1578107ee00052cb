"""Clean candidates: normalised fields, no secrets, no implausible dates."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from afterturn import lives
from afterturn.candidate import (
    SHORT_TEXT_LIMIT_CHARACTERS,
    TEXT_LIMIT_CHARACTERS,
    TOPICS_LIMIT,
    Candidate,
    EpisodeDraft,
)
from afterturn.redaction import credentials

#: A batch that is asked for in many parts has as many summaries.
_SUMMARY_LIMIT_CHARACTERS = 10 * TEXT_LIMIT_CHARACTERS
_PARTICIPANTS_LIMIT = 100

_NOT_A_LETTER = re.compile(r"\W+")
#: A date further in the future means that the fact holds for ever: models write the year 9999.
_FURTHEST = timedelta(days=200 * 365)
#: An earlier date is a model's misreading of the digits.
_EARLIEST = datetime(1000, 1, 1, tzinfo=UTC)


def normalise_candidate(candidate: Candidate, categories: Collection[str] | None) -> Candidate:
    """Return the candidate with single spaces, a category of `categories` (None: any) and a snake_case attribute."""
    category = _snake(candidate.category) or "other"
    return candidate.model_copy(
        update={
            "text": " ".join(candidate.text.split()),
            "category": category if categories is None or category in categories else "other",
            "topics": tuple(dict.fromkeys(topic for raw in candidate.topics if (topic := " ".join(raw.split())))),
            "subject": _one_line(candidate.subject),
            "attribute": _snake(candidate.attribute or "") or None,
            "value": _one_line(candidate.value),
        }
    )


def clean_candidate(
    candidate: Candidate, said_at: datetime, secrets: Collection[str] = ()
) -> tuple[Candidate, str | None]:
    """Return the candidate without secrets, implausible dates and too long parts, and which of them it had, or None.

    If it has no life, it gets the one that its other fields show.

    If the end is before the beginning, either may be wrong, and both are dropped. If they are the same moment, it is
    the time of an event, and only the end is dropped.

    Args:
        candidate: the candidate.
        said_at: when it was said.
        secrets: secrets found in the turns, besides those that the text itself shows to be secrets.
    """
    begins, ends = _plausible(candidate.valid_from, said_at), _plausible(candidate.valid_to, said_at)
    if begins is not None and ends is not None and ends <= begins:
        begins, ends = (begins, None) if ends == begins else (None, None)
    is_dropped = (candidate.valid_from is not None and begins is None) or (
        candidate.valid_to is not None and ends is None and candidate.valid_to != candidate.valid_from
    )
    times = lives.Times(valid_from=begins, valid_to=ends, said_at=said_at)
    life = lives.find_life(candidate.life, category=candidate.category, attribute=candidate.attribute, times=times)
    dated = candidate.model_copy(update={"valid_from": begins, "valid_to": ends, "life": life.value})
    bounded = _without_long_parts(dated)
    clean = redact_candidate(bounded, secrets)
    if clean is not bounded:
        return clean, "secret_redacted"
    return clean, "property_dropped" if bounded is not dated else "dates_dropped" if is_dropped else None


def _without_long_parts(candidate: Candidate) -> Candidate:
    """Return the candidate with short topics only, and without its property if a part of that is too long."""
    topics = tuple(topic for topic in candidate.topics if len(topic) <= SHORT_TEXT_LIMIT_CHARACTERS)[:TOPICS_LIMIT]
    limits = {"subject": SHORT_TEXT_LIMIT_CHARACTERS, "attribute": SHORT_TEXT_LIMIT_CHARACTERS}
    limits["value"] = TEXT_LIMIT_CHARACTERS
    is_short = all(len(getattr(candidate, name) or "") <= limit for name, limit in limits.items())
    if is_short and topics == candidate.topics:
        return candidate
    update: dict[str, object] = {"topics": topics}
    return candidate.model_copy(update=update if is_short else update | dict.fromkeys(limits))


def bound_episode(episode: EpisodeDraft) -> EpisodeDraft:
    """Return the episode with its texts cut to a length that can be shown and searched."""
    names = tuple(name for name in episode.participants if len(name) <= SHORT_TEXT_LIMIT_CHARACTERS)
    return episode.model_copy(
        update={
            "title": episode.title[:SHORT_TEXT_LIMIT_CHARACTERS],
            "summary": episode.summary[:_SUMMARY_LIMIT_CHARACTERS],
            "participants": names[:_PARTICIPANTS_LIMIT],
        }
    )


def redact_episode(episode: EpisodeDraft, secrets: Collection[str] = ()) -> EpisodeDraft:
    """Return the episode without the secrets that it contains, and without `secrets`, those found in the turns."""
    return episode.model_copy(
        update={
            "title": credentials.redact(episode.title, secrets),
            "summary": credentials.redact(episode.summary, secrets),
            "participants": tuple(name for name in episode.participants if credentials.redact(name, secrets) == name),
        }
    )


def redact_candidate(candidate: Candidate, secrets: Collection[str] = ()) -> Candidate:
    """Return the candidate without secrets, and without its property if a secret is part of it.

    A redacted value would equal the redacted value of any other fact.
    """
    text = credentials.redact(candidate.text, secrets)
    topics = tuple(topic for topic in candidate.topics if credentials.redact(topic, secrets) == topic)
    parts = (candidate.subject, candidate.attribute, candidate.value)
    is_property_clean = all(part is None or credentials.redact(part, secrets) == part for part in parts)
    # Some values are recognised as secrets only in their sentence: "hunter2" in "Ana's password is hunter2".
    is_value_kept = not candidate.value or candidate.value not in candidate.text or candidate.value in text
    if text == candidate.text and topics == candidate.topics and is_property_clean and is_value_kept:
        return candidate
    update: dict[str, object] = {"text": text, "topics": topics}
    if not (is_property_clean and is_value_kept):
        update |= {"subject": None, "attribute": None, "value": None}
    return candidate.model_copy(update=update)


def _plausible(moment: datetime | None, said_at: datetime) -> datetime | None:
    if moment is None or moment < _EARLIEST or moment - said_at > _FURTHEST:
        return None
    return moment


def _one_line(text: str | None) -> str | None:
    return " ".join(text.split()) or None if text else None


def _snake(name: str) -> str:
    return _NOT_A_LETTER.sub("_", name.strip().casefold()).strip("_")
