"""What a person enters about facts, checked at the door: each function returns what may be stored, or raises."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from afterturn import turns
from afterturn.candidate import Candidate
from afterturn.errors import InvalidInput

TEXT_LIMIT_CHARACTERS = 2_000
WORDS_LIMIT_CHARACTERS = 200
TOPICS_LIMIT = 20


def candidate(
    text: str,
    *,
    category: str | None = None,
    topics: Sequence[str] = (),
    subject: str | None = None,
    attribute: str | None = None,
    value: str | None = None,
    importance: float | None = None,
    valid_from: datetime | None = None,
    valid_to: datetime | None = None,
) -> Candidate:
    """Return a fact that a person states, with what they said of it and nothing else set. Raises InvalidInput."""
    given: dict[str, Any] = {"text": checked_text(text), "evidence": ()}
    words = {"category": category, "subject": subject, "attribute": attribute, "value": value}
    given |= {name: checked_words(name, said) for name, said in words.items() if said is not None}
    moments = {"valid_from": valid_from, "valid_to": valid_to}
    given |= {name: checked_moment(name, said) for name, said in moments.items() if said is not None}
    if valid_from is not None and valid_to is not None and valid_from >= valid_to:
        raise InvalidInput("valid_from must lie before valid_to")
    if topics:
        given["topics"] = _checked_topics(topics)
    if importance is not None:
        given["importance"] = _checked_importance(importance)
    return Candidate(**given)


def checked_text(text: object) -> str:
    """Return a fact's text on one line. Raises InvalidInput when it is no string, empty or too long."""
    if not isinstance(text, str):
        raise InvalidInput(f"text must be a string, not {type(text).__name__}")
    line = " ".join(turns.storable(text).split())
    if not line or len(line) > TEXT_LIMIT_CHARACTERS:
        raise InvalidInput(f"text must have 1 to {TEXT_LIMIT_CHARACTERS} characters, not {len(line)}")
    return line


def checked_words(name: str, value: object) -> str:
    """Return a short text (a subject, a topic) on one line. Raises InvalidInput, naming the argument."""
    if not isinstance(value, str):
        raise InvalidInput(f"{name} must be a string, not {type(value).__name__}")
    words = " ".join(turns.storable(value).split())
    if not words or len(words) > WORDS_LIMIT_CHARACTERS:
        raise InvalidInput(f"{name} must have 1 to {WORDS_LIMIT_CHARACTERS} characters, not {len(words)}")
    return words


def checked_moment(name: str, value: object) -> datetime:
    """Return a moment in UTC. Raises InvalidInput when it is no datetime with a timezone."""
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise InvalidInput(f"{name} must be a datetime with a timezone, for example datetime.now(UTC)")
    if not 1 < value.year < 9999:
        raise InvalidInput(f"{name} must lie in the years 2 to 9998, not {value.year}")
    return value.astimezone(UTC)


def checked_fact_id(value: object) -> UUID:
    """Return a fact's id. Raises InvalidInput when it cannot be one."""
    if isinstance(value, UUID):
        return value
    try:
        return UUID(str(value))
    except ValueError:
        raise InvalidInput("fact_id must be a UUID, as add_fact and facts give it") from None


def _checked_topics(topics: object) -> tuple[str, ...]:
    if isinstance(topics, str) or not isinstance(topics, Sequence):
        raise InvalidInput("topics must be a list of strings")
    if len(topics) > TOPICS_LIMIT:
        raise InvalidInput(f"topics may hold up to {TOPICS_LIMIT}, not {len(topics)}")
    return tuple(dict.fromkeys(checked_words("a topic", topic) for topic in topics))


def _checked_importance(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise InvalidInput("importance must be a number from 0 (trivial) to 1 (essential)")
    return float(value)
