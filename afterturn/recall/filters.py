"""Filters of recall, set by the caller. A filter only removes results; it never changes their scores."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from afterturn import ids, turns
from afterturn.errors import InvalidInput
from afterturn.turns import Turn

KINDS = ("fact", "turn", "episode")
#: Episodes repeat what turns and facts say, so they are results only where the caller asks for them.
DEFAULT_KINDS = frozenset({"fact", "turn"})
TIMES = ("world", "recorded")
ORDERS = ("newest", "importance")
MAX_TOPICS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Validated filters. A filter that is None removes nothing."""

    kinds: frozenset[str] | None = None
    #: Facts with at least one of these topics.
    topics: tuple[str, ...] | None = None
    session_id: str | None = None
    agent_id: str | None = None
    #: At or after `since`, and before `until`. `time` says which time is compared: when it was said (world), or when it
    #: was stored (recorded).
    since: datetime | None = None
    until: datetime | None = None
    time: str = "world"
    #: Only what was true (world) or known (recorded) at this time.
    as_of: datetime | None = None
    min_score: float | None = None
    include_superseded: bool = False
    #: Also facts that have faded.
    include_faded: bool = False
    #: Metadata that the turn, or a turn that is evidence of the fact, must contain; as canonical JSON.
    metadata: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether no filter is set."""
        return self == Filters(time=self.time)

    def kinds_or_default(self) -> frozenset[str]:
        """Return the kinds that may be results."""
        return DEFAULT_KINDS if self.kinds is None else self.kinds

    def arguments(self) -> dict[str, Any]:
        """Return the filters as arguments of the SQL queries."""
        return {
            "topics": None if self.topics is None else list(self.topics),
            "session_filter": self.session_id,
            "agent_id": self.agent_id,
            "since": self.since,
            "until": self.until,
            "time": self.time,
            "as_of": self.as_of,
            "include_superseded": self.include_superseded,
            "include_faded": self.include_faded or self.include_superseded,
            "metadata": self.metadata,
        }

    def matches_pending_turn(self, turn: Turn, session_id: str) -> bool:
        """Return whether a turn passes that is not archived yet.

        Such a turn is recorded later than now. So with `time="recorded"` it passes `since`, but not `until` or `as_of`.
        """
        has_recorded_end = self.time == "recorded" and (self.until is not None or self.as_of is not None)
        return (
            not has_recorded_end
            and self.topics is None
            and self.session_id in (None, session_id)
            and self.agent_id in (None, turn.agent_id)
            and (self.since is None or self.time == "recorded" or turn.occurred_at >= self.since)
            and (self.until is None or turn.occurred_at < self.until)
            and (self.as_of is None or turn.occurred_at <= self.as_of)
            and (self.metadata is None or _contains(turn.metadata, json.loads(self.metadata)))
        )


def validate(
    *,
    kinds: Iterable[str] | None = None,
    topics: Iterable[str] | None = None,
    session_id: str | None = None,
    agent_id: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    time: str = "world",
    as_of: datetime | None = None,
    min_score: float | None = None,
    include_superseded: bool = False,
    include_faded: bool = False,
    metadata: Mapping[str, Any] | None = None,
) -> Filters:
    """Return the validated filters. Raises InvalidInput, which names the invalid argument."""
    if time not in TIMES:
        raise InvalidInput(f"time must be one of {', '.join(TIMES)}, not {time!r}")
    if not isinstance(include_superseded, bool):
        raise InvalidInput("include_superseded must be True or False")
    if not isinstance(include_faded, bool):
        raise InvalidInput("include_faded must be True or False")
    since, until = _aware_time("since", since), _aware_time("until", until)
    if since is not None and until is not None and since >= until:
        raise InvalidInput("since must lie before until")
    return Filters(
        kinds=_validate_kinds(kinds),
        topics=_validate_topics(topics),
        session_id=None if session_id is None else ids.validate_id("session_id", session_id),
        agent_id=None if agent_id is None else ids.validate_id("agent_id", agent_id),
        since=since,
        until=until,
        time=time,
        as_of=_aware_time("as_of", as_of),
        min_score=_validate_score(min_score),
        include_superseded=include_superseded,
        include_faded=include_faded,
        metadata=_canonical_json(metadata),
    )


def _validate_kinds(kinds: Iterable[str] | None) -> frozenset[str] | None:
    if kinds is None:
        return None
    given = _as_list(kinds)
    if not given or any(kind not in KINDS for kind in given):
        raise InvalidInput(f"kinds must be some of {', '.join(KINDS)}, not {given!r}")
    return frozenset(given)


def _validate_topics(topics: Iterable[str] | None) -> tuple[str, ...] | None:
    if topics is None:
        return None
    given = _as_list(topics)
    if not 0 < len(given) <= MAX_TOPICS or not all(isinstance(topic, str) and topic for topic in given):
        raise InvalidInput(f"topics must be 1 to {MAX_TOPICS} words")
    return tuple(turns.make_storable(topic) for topic in given)


def _as_list(given: object) -> list[Any]:
    """Return a string as a list of one, and any other iterable as a list; an empty list for anything else."""
    if isinstance(given, str):
        return [given]
    return list(given) if isinstance(given, Iterable) else []


def _aware_time(name: str, time: datetime | None) -> datetime | None:
    if time is not None and (not isinstance(time, datetime) or time.tzinfo is None):
        raise InvalidInput(f"{name} must be a datetime with a timezone, for example datetime.now(UTC)")
    return time


def _validate_score(min_score: float | None) -> float | None:
    if min_score is None:
        return None
    if isinstance(min_score, bool) or not isinstance(min_score, int | float) or min_score != min_score:
        raise InvalidInput(f"min_score must be a number, not {min_score!r}")
    try:
        return float(min_score)
    except OverflowError:
        raise InvalidInput("min_score is too large a number") from None


def _canonical_json(metadata: Mapping[str, Any] | None) -> str | None:
    if metadata is None:
        return None
    if not isinstance(metadata, Mapping) or not metadata:
        raise InvalidInput("metadata must be a mapping with at least one key")
    try:
        storable = turns.make_json_storable(json.loads(json.dumps(dict(metadata), allow_nan=False)))
        return json.dumps(storable, sort_keys=True, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"metadata must be JSON: {error}") from None


def _contains(whole: Any, part: Any) -> bool:
    """Return whether one JSON value contains another, by the rules of the Postgres operator @>."""
    if isinstance(part, dict):
        return isinstance(whole, Mapping) and all(
            key in whole and _contains(whole[key], value) for key, value in part.items()
        )
    if isinstance(part, list):
        return isinstance(whole, list) and all(any(_contains(item, wanted) for item in whole) for wanted in part)
    return type(whole) is type(part) and bool(whole == part)
