"""What a recall may return: filters that the caller sets. They only ever leave out; the ranking is the same without."""

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
#: An episode tells again what turns and facts tell; it is a result where it is asked for.
DEFAULT_KINDS = frozenset({"fact", "turn"})
TIMES = ("world", "recorded")
ORDERS = ("newest", "importance")
MOST_TOPICS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Checked filters; None lets everything pass."""

    kinds: frozenset[str] | None = None
    #: A fact with any of these topics.
    topics: tuple[str, ...] | None = None
    session_id: str | None = None
    agent_id: str | None = None
    #: From here on, and before there: when it was said (world), or came to be known (recorded).
    since: datetime | None = None
    until: datetime | None = None
    time: str = "world"
    #: What was true, or believed, at that time.
    as_of: datetime | None = None
    min_score: float | None = None
    include_superseded: bool = False
    #: Metadata of the turn, or of a turn that a fact rests on, as canonical JSON.
    metadata: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether everything passes."""
        return self == Filters(time=self.time)

    def wanted_kinds(self) -> frozenset[str]:
        return DEFAULT_KINDS if self.kinds is None else self.kinds

    def arguments(self) -> dict[str, Any]:
        """Return them as arguments of the queries."""
        return {
            "topics": None if self.topics is None else list(self.topics),
            "session_filter": self.session_id,
            "agent_id": self.agent_id,
            "since": self.since,
            "until": self.until,
            "time": self.time,
            "as_of": self.as_of,
            "include_superseded": self.include_superseded,
            "metadata": self.metadata,
        }

    def lets_pending_pass(self, turn: Turn, session_id: str) -> bool:
        """Return whether a turn passes that is not archived yet. What it will be recorded as is not known."""
        is_too_early = self.time == "recorded" and (self.until is not None or self.as_of is not None)
        return (
            not is_too_early
            and self.topics is None
            and self.session_id in (None, session_id)
            and self.agent_id in (None, turn.agent_id)
            and (self.since is None or self.time == "recorded" or turn.occurred_at >= self.since)
            and (self.until is None or turn.occurred_at < self.until)
            and (self.as_of is None or turn.occurred_at <= self.as_of)
            and (self.metadata is None or _holds(turn.metadata, json.loads(self.metadata)))
        )


def checked(
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
    metadata: Mapping[str, Any] | None = None,
) -> Filters:
    """Return the filters. Raises InvalidInput, which names the one that cannot be."""
    if time not in TIMES:
        raise InvalidInput(f"time must be one of {', '.join(TIMES)}, not {time!r}")
    if not isinstance(include_superseded, bool):
        raise InvalidInput("include_superseded must be True or False")
    since, until = _moment("since", since), _moment("until", until)
    if since is not None and until is not None and since >= until:
        raise InvalidInput("since must lie before until")
    return Filters(
        kinds=_kinds(kinds),
        topics=_topics(topics),
        session_id=None if session_id is None else ids.validate_id("session_id", session_id),
        agent_id=None if agent_id is None else ids.validate_id("agent_id", agent_id),
        since=since,
        until=until,
        time=time,
        as_of=_moment("as_of", as_of),
        min_score=_number(min_score),
        include_superseded=include_superseded,
        metadata=_metadata(metadata),
    )


def _kinds(kinds: Iterable[str] | None) -> frozenset[str] | None:
    if kinds is None:
        return None
    named = _listed(kinds)
    if not named or any(kind not in KINDS for kind in named):
        raise InvalidInput(f"kinds must be some of {', '.join(KINDS)}, not {named!r}")
    return frozenset(named)


def _topics(topics: Iterable[str] | None) -> tuple[str, ...] | None:
    if topics is None:
        return None
    named = _listed(topics)
    if not 0 < len(named) <= MOST_TOPICS or not all(isinstance(topic, str) and topic for topic in named):
        raise InvalidInput(f"topics must be 1 to {MOST_TOPICS} words")
    return tuple(turns.make_storable(topic) for topic in named)


def _listed(named: object) -> list[Any]:
    """Return what was named, whether as one or as many; nothing where it is neither."""
    if isinstance(named, str):
        return [named]
    return list(named) if isinstance(named, Iterable) else []


def _moment(name: str, moment: datetime | None) -> datetime | None:
    if moment is not None and (not isinstance(moment, datetime) or moment.tzinfo is None):
        raise InvalidInput(f"{name} must be a datetime with a timezone, for example datetime.now(UTC)")
    return moment


def _number(min_score: float | None) -> float | None:
    if min_score is None:
        return None
    if isinstance(min_score, bool) or not isinstance(min_score, int | float) or min_score != min_score:
        raise InvalidInput(f"min_score must be a number, not {min_score!r}")
    try:
        return float(min_score)
    except OverflowError:
        raise InvalidInput("min_score is too large a number") from None


def _metadata(metadata: Mapping[str, Any] | None) -> str | None:
    if metadata is None:
        return None
    if not isinstance(metadata, Mapping) or not metadata:
        raise InvalidInput("metadata must be a mapping with a key at least")
    try:
        held = turns.make_json_storable(json.loads(json.dumps(dict(metadata), allow_nan=False)))
        return json.dumps(held, sort_keys=True, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"metadata must be JSON: {error}") from None


def _holds(whole: Any, part: Any) -> bool:
    """Return whether JSON holds other JSON, as Postgres's @> says."""
    if isinstance(part, dict):
        return isinstance(whole, Mapping) and all(
            key in whole and _holds(whole[key], value) for key, value in part.items()
        )
    if isinstance(part, list):
        return isinstance(whole, list) and all(any(_holds(one, wanted) for one in whole) for wanted in part)
    return type(whole) is type(part) and bool(whole == part)
