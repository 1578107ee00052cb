"""The list of a user's episodes: its entries, its statement and its cursors."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from afterturn import ids, page_cursors
from afterturn.database import queries
from afterturn.database.statement import Row, Statement
from afterturn.errors import InvalidInput
from afterturn.facts.validation import validate_datetime
from afterturn.memories import Episode
from afterturn.scopes import UserScope

_SQL = queries.load("lists")


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeFilters:
    """Validated filters. None removes nothing."""

    session_id: str | None = None
    #: Episodes that ended at this time or later, and that began before `until`.
    since: datetime | None = None
    until: datetime | None = None


def make_filters(session_id: str | None, since: datetime | None, until: datetime | None) -> EpisodeFilters:
    """Return validated filters. Raises InvalidInput."""
    if since is not None and until is not None and validate_datetime("since", since) >= until:
        raise InvalidInput("since must be earlier than until")
    return EpisodeFilters(
        session_id=None if session_id is None else ids.validate_session_id(session_id),
        since=None if since is None else validate_datetime("since", since),
        until=None if until is None else validate_datetime("until", until),
    )


def episodes_statement(user: UserScope, filters: EpisodeFilters, *, cursor: str | None, limit: int) -> Statement:
    """Return the statement for episodes by time, the latest first. Raises InvalidInput."""
    place = page_cursors.decode(_list_parts(user, filters), cursor, size=2)
    after_time, after_id = (None, None) if place is None else (page_cursors.parse_time(place[0]), _uuid(place[1]))
    return Statement(_SQL["episodes"], _arguments(user, filters, after_time=after_time, after_id=after_id, limit=limit))


def chosen_episodes_statement(user: UserScope, episode_ids: Sequence[str]) -> Statement:
    """Return the statement for the episodes with these ids."""
    chosen = [UUID(episode_id) for episode_id in episode_ids]
    return Statement(_SQL["episodes"], _arguments(user, EpisodeFilters(), episode_ids=chosen, limit=len(chosen)))


def parse_episodes(user: UserScope, filters: EpisodeFilters, rows: Sequence[Row]) -> list[Episode]:
    """Return the episodes in the rows, each with the cursor of the list by time."""
    parsed = []
    for row in rows:
        place = (row["ended_at"].isoformat(), str(row["episode_id"]))
        converted = {
            "episode_id": str(row["episode_id"]),
            "participants": tuple(row["participants"]),
            "turn_ids": tuple(row["turn_ids"]),
            "cursor": page_cursors.encode(_list_parts(user, filters), *place),
        }
        parsed.append(Episode(**{**row, **converted}))
    return parsed


def exclude_turns(episodes: Sequence[Episode], hidden: Collection[tuple[str, str]]) -> list[Episode]:
    """Return the episodes without hidden turns. An episode whose turns are all hidden is left out."""
    if not hidden:
        return list(episodes)
    visible = []
    for episode in episodes:
        turn_ids = tuple(name for name in episode.turn_ids if (episode.session_id, name) not in hidden)
        if turn_ids:
            visible.append(replace(episode, turn_ids=turn_ids))
    return visible


def _arguments(user: UserScope, filters: EpisodeFilters, **others: Any) -> dict[str, Any]:
    fields = {"in_session": filters.session_id, "since": filters.since, "until": filters.until}
    return user.key | fields | {"episode_ids": None, "after_time": None, "after_id": None} | others


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInput("cursor is not one that a list returned") from None


def _list_parts(user: UserScope, filters: EpisodeFilters) -> tuple[Any, ...]:
    return ("episodes", user.tenant_id, user.user_id, filters.session_id, filters.since, filters.until)
