"""Clean candidates: normalised fields, no secrets, no implausible dates."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from afterturn.candidate import Candidate, EpisodeDraft
from afterturn.extraction import credentials

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
    """Return the candidate without secrets and implausible dates, and which of the two it had, or None.

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
    dated = candidate.model_copy(update={"valid_from": begins, "valid_to": ends})
    clean = _without_secrets(dated, secrets)
    return clean, "secret_redacted" if clean is not dated else "dates_dropped" if is_dropped else None


def redact_episode(episode: EpisodeDraft, secrets: Collection[str] = ()) -> EpisodeDraft:
    """Return the episode without the secrets that it contains, and without `secrets`, those found in the turns."""
    return episode.model_copy(
        update={
            "title": credentials.redact(episode.title, secrets),
            "summary": credentials.redact(episode.summary, secrets),
            "participants": tuple(name for name in episode.participants if credentials.redact(name, secrets) == name),
        }
    )


def _without_secrets(candidate: Candidate, secrets: Collection[str]) -> Candidate:
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
