"""Validate facts that a person enters. Each function returns a value that can be stored, or raises InvalidInput."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from afterturn import turns
from afterturn.candidate import SHORT_TEXT_LIMIT_CHARACTERS, TEXT_LIMIT_CHARACTERS, TOPICS_LIMIT, Candidate
from afterturn.errors import InvalidInput
from afterturn.lives import Life


def make_candidate(
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
    life: str | None = None,
) -> Candidate:
    """Return the candidate of a fact that a person enters. Only the given arguments are set in it."""
    fields: dict[str, Any] = {"text": validate_text(text), "evidence": ()}
    texts = {"category": category, "subject": subject, "attribute": attribute, "value": value}
    fields |= {name: validate_short_text(name, given) for name, given in texts.items() if given is not None}
    times = {"valid_from": valid_from, "valid_to": valid_to}
    fields |= {name: validate_datetime(name, given) for name, given in times.items() if given is not None}
    if valid_from is not None and valid_to is not None and valid_from >= valid_to:
        raise InvalidInput("valid_from must be earlier than valid_to")
    if topics:
        fields["topics"] = _validate_topics(topics)
    if importance is not None:
        fields["importance"] = _validate_importance(importance)
    if life is not None:
        fields["life"] = validate_life(life)
    return Candidate(**fields)


def validate_text(text: object) -> str:
    """Return a fact's text on one line. Raises InvalidInput when it is not a string, empty or too long."""
    if not isinstance(text, str):
        raise InvalidInput(f"text must be a string, not {type(text).__name__}")
    line = " ".join(turns.make_storable(text).split())
    if not line or len(line) > TEXT_LIMIT_CHARACTERS:
        raise InvalidInput(f"text must have 1 to {TEXT_LIMIT_CHARACTERS} characters, not {len(line)}")
    return line


def validate_short_text(name: str, value: object) -> str:
    """Return a short text (a subject, a topic) on one line. Raises InvalidInput, naming the argument `name`."""
    if not isinstance(value, str):
        raise InvalidInput(f"{name} must be a string, not {type(value).__name__}")
    line = " ".join(turns.make_storable(value).split())
    if not line or len(line) > SHORT_TEXT_LIMIT_CHARACTERS:
        raise InvalidInput(f"{name} must have 1 to {SHORT_TEXT_LIMIT_CHARACTERS} characters, not {len(line)}")
    return line


def validate_datetime(name: str, value: object) -> datetime:
    """Return a datetime in UTC. Raises InvalidInput when it is not a datetime with a timezone."""
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise InvalidInput(f"{name} must be a datetime with a timezone, for example datetime.now(UTC)")
    if not 1 < value.year < 9999:
        raise InvalidInput(f"{name} must lie in the years 2 to 9998, not {value.year}")
    return value.astimezone(UTC)


def validate_life(value: object) -> str:
    """Return a life. Raises InvalidInput when it is not one."""
    if not isinstance(value, str) or value not in set(Life):
        raise InvalidInput(f"life must be one of {', '.join(Life)}, not {value!r}")
    return value


def validate_fact_id(value: object) -> UUID:
    """Return a fact's id as a UUID. Raises InvalidInput when it is not one."""
    if isinstance(value, UUID):
        return value
    try:
        return UUID(str(value))
    except ValueError:
        raise InvalidInput("fact_id must be a UUID, as add_fact and facts give it") from None


def _validate_topics(topics: object) -> tuple[str, ...]:
    if isinstance(topics, str) or not isinstance(topics, Sequence):
        raise InvalidInput("topics must be a list of strings")
    if len(topics) > TOPICS_LIMIT:
        raise InvalidInput(f"topics must have at most {TOPICS_LIMIT} items, not {len(topics)}")
    return tuple(dict.fromkeys(validate_short_text("a topic", topic) for topic in topics))


def _validate_importance(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise InvalidInput("importance must be a number from 0 (trivial) to 1 (essential)")
    return float(value)
