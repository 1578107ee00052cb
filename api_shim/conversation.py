"""What both clients do without I/O: check what comes in, form the call to Redis, read the answers."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import redis
from redis.exceptions import RedisError, ResponseError

from afterturn import ids, memories, turns
from afterturn import settings as settings_module
from afterturn.errors import InvalidInput, MemoryUnavailable, PendingLimitReached
from afterturn.facts import edits
from afterturn.hot import entries, keys, pending
from afterturn.hot.entries import Mark
from afterturn.hot.pending import Hot
from afterturn.memories import Memory
from afterturn.recall import filters, memory_queries
from afterturn.recall.search import Search
from afterturn.scopes import SessionScope
from afterturn.settings import Settings
from afterturn.turns import Turn

logger = logging.getLogger("afterturn.client")

WRITE_MANY_LIMIT = 1_000
RESULT_LIMIT = 1_000
QUERY_LIMIT_CHARACTERS = 32_768
#: Entries of a pending stream that are read beyond the turns asked for: marks are among them.
MARKS_AMONG_TURNS = 16
#: How often a client warns of the pending limit.
ALARM_EVERY_SECONDS = 60.0


@functools.cache
def settings_from_environment() -> Settings:
    """Read the environment once per process. Raises SettingsError."""
    return settings_module.load()


class Conversation:
    """One session of one user, as a client sees it. Holds no connection and no lock."""

    def __init__(
        self,
        *,
        user_id: str,
        session_id: str,
        agent_id: str | None,
        tenant_id: str | None,
        settings: Settings | None,
    ) -> None:
        self.settings = settings or settings_from_environment()
        self.session = SessionScope(
            ids.validate_id("tenant_id", self.settings.tenant if tenant_id is None else tenant_id),
            ids.validate_id("user_id", user_id),
            ids.validate_session_id(session_id),
        )
        self.agent_id = None if agent_id is None else ids.validate_id("agent_id", agent_id)
        shard = keys.shard_of(self.session.tenant_id, self.session.user_id)
        self.pending_key = keys.pending(self.session)
        self.recent_key = keys.recent(self.session)
        self.hidden_key = keys.hidden(self.session.user)
        self.write_keys = (self.pending_key, keys.due(shard), keys.pending_bytes(shard))
        self.remove_keys = (*self.write_keys, self.hidden_key)
        self._edits = SessionScope(self.session.tenant_id, self.session.user_id, edits.SESSION_ID)
        self.edit_keys = (keys.pending(self._edits), *self.write_keys[1:])
        self._member = keys.member(self.session)
        self._limit_bytes = str(self.settings.pending_limit_bytes_per_shard)  # as it is sent with every write
        self._alarm_bytes = int(self.settings.pending_limit_bytes_per_shard * pending.ALARM_FRACTION)
        self._alarmed_at = float("-inf")

    def turn(
        self,
        role: str,
        content: str | None,
        *,
        turn_id: str | None,
        name: str | None,
        occurred_at: datetime | None,
        metadata: Mapping[str, Any] | None,
        memories_shown: Sequence[str],
    ) -> Turn:
        """Return the checked turn; a single string is a whole exchange."""
        if content is None:
            role, content = "exchange", role
        return turns.make_turn(
            role,
            content,
            limit_bytes=self.settings.turn_limit_bytes,
            turn_id=turn_id,
            name=name,
            agent_id=self.agent_id,
            occurred_at=occurred_at,
            metadata=metadata,
            memories_shown=memories_shown,
        )

    def turns(self, given: Iterable[Mapping[str, Any]]) -> list[Turn]:
        """Return the checked turns of `write_many`, each a mapping of `write`'s arguments; all of them, or an error."""
        written = []
        for number, arguments in enumerate(given):
            try:
                written.append(self.turn(**_WRITE_DEFAULTS | dict(arguments)))
            except TypeError as error:
                raise InvalidInput(f"turn {number} of write_many: {error}") from None
        if len(written) > WRITE_MANY_LIMIT:
            raise InvalidInput(f"write_many takes up to {WRITE_MANY_LIMIT} turns at a time, not {len(written)}")
        return written

    def write_arguments(self, written: Iterable[Turn]) -> list[str | bytes | int]:
        """Return the arguments of the write script for these turns."""
        return self._arguments(self._payloads(written))

    def edit_arguments(self, written: Iterable[Turn]) -> list[str | bytes | int]:
        """Return the arguments of the write script for a person's edits, which are in a session of their own."""
        return [keys.member(self._edits), *self._arguments(self._payloads(written))[1:]]

    def flush_arguments(self) -> list[str | bytes | int]:
        """Return the arguments of the write script for a flush."""
        return self._arguments([entries.encode_mark(Mark.FLUSH)])

    def remove_arguments(self, turn_id: str) -> list[str | bytes | int]:
        """Return the arguments of the remove script for a turn. Raises InvalidId."""
        target = ids.validate_id("turn_id", turn_id)
        entry_id, payload = entries.encode_mark(Mark.REMOVE, target_turn_id=target)
        return [self._member, keys.hidden_field(self.session.session_id, target), entry_id, payload]

    def _payloads(self, written: Iterable[Turn]) -> list[tuple[str, bytes]]:
        limit = self.settings.turn_limit_bytes
        return [(turn.turn_id, turns.encode(turn, limit_bytes=limit)) for turn in written]

    def _arguments(self, payloads: Sequence[tuple[str, bytes]]) -> list[str | bytes | int]:
        size = sum(len(payload) for _, payload in payloads)
        arguments: list[str | bytes | int] = [self._member, self._limit_bytes, size]
        for entry_id, payload in payloads:
            arguments.append(entry_id)
            arguments.append(payload)
        return arguments

    def note_pending(self, pending_bytes: int) -> None:
        """Log a warning, now and then, when the archive falls behind."""
        if pending_bytes > self._alarm_bytes and time.monotonic() - self._alarmed_at > ALARM_EVERY_SECONDS:
            self._alarmed_at = time.monotonic()
            logger.warning(
                "%d bytes of turns wait for the archive; writes are refused at %d: are the workers running?",
                pending_bytes,
                self.settings.pending_limit_bytes_per_shard,
            )

    def hot(self, rows: Sequence[Any], recent: Sequence[bytes], hidden: Sequence[bytes]) -> Hot:
        """Return what Redis holds of the session, from XREVRANGE, LRANGE and HKEYS."""
        return pending.newest(self.session.session_id, list(reversed(rows)), recent, hidden)

    def united(self, archived: Sequence[Mapping[str, Any]], hot: Hot, limit: int) -> list[Turn]:
        """Unite rows of `session_turns` (newest first) with what Redis holds, by turn id; the last `limit` of them."""
        session_id = self.session.session_id
        shown = [row for row in reversed(archived) if (session_id, row["turn_id"]) not in hot.hidden]
        by_id = {row["turn_id"]: memory_queries.decode_turn(row) for row in shown}
        for turn in hot.turns:
            by_id.setdefault(turn.turn_id, turn)
        return list(by_id.values())[-limit:]

    def newest_memories(self, archived: Sequence[Mapping[str, Any]], hot: Hot, limit: int) -> list[Memory]:
        """Return the newest turns as memories, newest first: those in Redis, then the user's archived ones."""
        found = {
            turn.turn_id: memory_queries.turn_as_memory(turn, self.session.session_id, 0.0)
            for turn in reversed(hot.turns)
        }
        for row in archived:
            if (row["session_id"], row["turn_id"]) not in hot.hidden:
                found.setdefault(row["turn_id"], memory_queries.decode_turn_memory(row, 0.0))
        return list(found.values())[:limit]

    def search(
        self, query: str | None, given: Mapping[str, Any], *, order: str | None, cursor: str | None, explain: bool
    ) -> Search:
        """Return the checked search for a recall's arguments. Raises InvalidInput."""
        checked = filters.validate(**given)
        if order not in (None, *filters.ORDERS):
            raise InvalidInput(f"order must be one of {', '.join(filters.ORDERS)}, not {order!r}")
        if query is not None and order is not None:
            raise InvalidInput("order is for recall without a query: with one, the best come first")
        if query is None and checked.min_score is not None:
            raise InvalidInput("min_score needs a query: without one, there are no scores")
        return Search(
            self.session,
            query=None if query is None else checked_query(query),
            filters=checked,
            order=order or "newest",
            cursor=cursor,
            explain=explain,
        )

    def shown(self, found: Sequence[Memory], hot: Hot, limit: int) -> list[Memory]:
        """Return the first `limit` memories, without what was just taken back."""
        return memories.exclude_turns(found, hot.hidden)[:limit]


_WRITE_DEFAULTS: dict[str, Any] = {
    "content": None,
    "turn_id": None,
    "name": None,
    "occurred_at": None,
    "metadata": None,
    "memories_shown": (),
}


def checked_limit(limit: int) -> int:
    """Return `limit` when it is 1 to 1,000. Raises InvalidInput."""
    if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= RESULT_LIMIT:
        raise InvalidInput(f"limit must be 1 to {RESULT_LIMIT}, not {limit!r}")
    return limit


def checked_query(query: str) -> str:
    """Return `query` in a form that Postgres can take. Raises InvalidInput when it is no string or too long."""
    if not isinstance(query, str):
        raise InvalidInput(f"query must be a string, not {type(query).__name__}")
    if len(query) > QUERY_LIMIT_CHARACTERS:
        raise InvalidInput(f"query has {len(query)} characters; the limit is {QUERY_LIMIT_CHARACTERS}")
    return turns.make_storable(query)


def as_ours(error: RedisError) -> MemoryUnavailable:
    """Return our error for one of the Redis client's."""
    if isinstance(error, ResponseError) and str(error).startswith("PENDINGLIMIT"):
        return PendingLimitReached()
    if isinstance(error, redis.TimeoutError):
        return MemoryUnavailable("Redis (AFTERTURN_REDIS_URL) did not answer within AFTERTURN_REDIS_TIMEOUT_SECONDS")
    return MemoryUnavailable(f"Redis (AFTERTURN_REDIS_URL) failed: {type(error).__name__}: {error}")
