"""The synchronous client."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from redis.exceptions import RedisError

from afterturn.database import pool
from afterturn.database.statement import Row, Statement
from afterturn.errors import FlushTimeout, MemoryUnavailable
from afterturn.hot import scripts
from afterturn.hot.pending import Hot
from afterturn.hot.scripts import Script
from afterturn.recall import memory_queries
from afterturn.settings import Settings
from afterturn.turns import Turn
from api_shim import connections
from api_shim.connections import Connections
from api_shim.context_calls import ContextCalls
from api_shim.conversation import MARKS_AMONG_TURNS, Conversation, as_ours, checked_limit
from api_shim.cost_calls import CostCalls
from api_shim.recall_calls import RecallCalls
from api_shim.summary_calls import SummaryCalls

logger = logging.getLogger("afterturn.client")

FLUSH_POLL_SECONDS = 0.1


class MemoryClient(RecallCalls, SummaryCalls, ContextCalls, CostCalls):
    """Writes and recalls one user's turns. Making one opens nothing; threads may share it."""

    def __init__(
        self,
        user_id: str,
        session_id: str = "default",
        agent_id: str | None = None,
        *,
        tenant_id: str | None = None,
        settings: Settings | None = None,
    ) -> None:
        """Name whose memory it is, and of which conversation.

        Args:
            user_id: whose memory.
            session_id: which conversation.
            agent_id: which agent writes.
            tenant_id: which customer; AFTERTURN_TENANT when not given.
            settings: read from the environment when not given.

        Raises InvalidId or SettingsError.
        """
        self._conversation = Conversation(
            user_id=user_id, session_id=session_id, agent_id=agent_id, tenant_id=tenant_id, settings=settings
        )
        self._opened: Connections | None = None

    def write(
        self,
        role: str,
        content: str | None = None,
        *,
        turn_id: str | None = None,
        name: str | None = None,
        occurred_at: datetime | None = None,
        metadata: Mapping[str, Any] | None = None,
        memories_shown: Sequence[str] = (),
    ) -> str:
        """Write one turn, in one round trip to Redis, and return its id.

        `write(text)` alone stores one string that holds a whole exchange. Calling it again with the same `turn_id`
        is the same turn.

        Args:
            role: user, assistant, system, tool or exchange.
            content: what was said.
            turn_id: the caller's id; minted when not given.
            name: the speaker's name.
            occurred_at: when it was said, with a timezone; now when not given.
            metadata: JSON of the caller's own, tool calls included.
            memories_shown: ids of the memories that the assistant had been shown.

        Raises InvalidInput, or MemoryUnavailable when Redis did not acknowledge it.
        """
        turn = self._conversation.turn(
            role,
            content,
            turn_id=turn_id,
            name=name,
            occurred_at=occurred_at,
            metadata=metadata,
            memories_shown=memories_shown,
        )
        self._append(self._conversation.write_arguments((turn,)))
        return turn.turn_id

    def write_many(self, turns: Iterable[Mapping[str, Any]]) -> list[str]:
        """Write up to 1,000 turns in one round trip, all or none, and return their ids.

        Args:
            turns: mappings of `write`'s arguments, such as {"role": "user", "content": "Hello"}.

        Raises InvalidInput, or MemoryUnavailable when Redis did not acknowledge them.
        """
        written = self._conversation.turns(turns)
        if written:
            self._append(self._conversation.write_arguments(written))
        return [turn.turn_id for turn in written]

    def history(self, limit: int = 20) -> list[Turn]:
        """Return the session's last turns, oldest first, those not archived yet included.

        With Postgres away, those that Redis still holds. Raises InvalidInput or MemoryUnavailable.
        """
        checked_limit(limit)
        hot = self._hot(limit)
        if len(hot.turns) >= limit:
            return hot.turns[-limit:]
        try:
            room = limit + len(hot.hidden)
            archived = self._run(memory_queries.session_turns(self._conversation.session, limit=room))
        except MemoryUnavailable:
            if not hot.turns:
                raise
            logger.warning("Postgres is away: history holds only what Redis has")
            archived = []
        return self._conversation.united(archived, hot, limit)

    def remove(self, turn_id: str) -> None:
        """Take back a turn of this session, in one round trip to Redis; what rests on it alone goes with it.

        It is hidden from `history` and `recall` at once. A turn that is not there, or that was taken back before, is no
        error; writing it again does not bring it back. Raises InvalidId or MemoryUnavailable.
        """
        self._send(scripts.REMOVE, self._conversation.remove_keys, self._conversation.remove_arguments(turn_id))

    def pop(self) -> Turn | None:
        """Take back the session's newest turn and return it; None where there is none.

        Two callers at once may take back the same one. Raises MemoryUnavailable.
        """
        newest = self.history(1)
        if not newest:
            return None
        self.remove(newest[0].turn_id)
        return newest[0]

    def flush(self, wait_seconds: float | None = None) -> None:
        """Have what was written so far made into facts now, without waiting for more.

        Args:
            wait_seconds: when given, wait this long for it. Raises FlushTimeout when it takes longer.
        """
        self._append(self._conversation.flush_arguments())
        if wait_seconds is None:
            return
        deadline = time.monotonic() + wait_seconds
        while not self._is_settled():
            if time.monotonic() > deadline:
                raise FlushTimeout()
            time.sleep(FLUSH_POLL_SECONDS)

    @property
    def _connections(self) -> Connections:
        found = self._opened
        if found is None or not found.is_usable:
            found = self._opened = connections.of_process(self._conversation.settings)
        return found

    def _append(self, arguments: list[str | bytes | int]) -> None:
        self._send(scripts.WRITE, self._conversation.write_keys, arguments)

    def _send(self, script: Script, keys: tuple[str, ...], arguments: list[str | bytes | int]) -> None:
        try:
            pending_bytes = script.run(self._connections.redis, keys, *arguments)
        except RedisError as error:
            raise as_ours(error) from error
        self._conversation.note_pending(pending_bytes)

    def _hot(self, limit: int) -> Hot:
        """Return what Redis holds: all that is pending, or at least the `limit` newest turns of it."""
        count = limit + MARKS_AMONG_TURNS
        while True:
            rows, recent, hidden = self._read_hot(count, limit)
            hot = self._conversation.hot(rows, recent, hidden)
            if hot.waiting >= limit or len(rows) < count:
                return hot
            count *= 4

    def _read_hot(self, count: int, limit: int) -> list[Any]:
        try:
            with self._connections.redis.pipeline(transaction=True) as pipeline:
                pipeline.xrevrange(self._conversation.pending_key, count=count)
                pipeline.lrange(self._conversation.recent_key, -limit, -1)
                pipeline.hkeys(self._conversation.hidden_key)
                return pipeline.execute()
        except RedisError as error:
            raise as_ours(error) from error

    def _is_settled(self) -> bool:
        try:
            if self._connections.redis.exists(self._conversation.pending_key, self._conversation.edit_keys[0]):
                return False
        except RedisError as error:
            raise as_ours(error) from error
        session = self._conversation.session.key
        return bool(self._run(Statement(memory_queries.SQL["is_settled"], session))[0]["is_settled"])

    def _run(self, statement: Statement) -> list[Row]:
        with pool.user_transaction(self._connections.postgres, self._conversation.session.user) as connection:
            return _run(connection, [statement])[0]


def _run(connection: pool.Connection, wanted: Sequence[Statement]) -> list[list[Row]]:
    """Send all statements, then read all answers: in pipeline mode, one round trip."""
    cursors = [connection.execute(statement.sql, statement.arguments) for statement in wanted]
    return [list(cursor.fetchall()) for cursor in cursors]
