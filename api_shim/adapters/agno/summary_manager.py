"""Agno's summaries of sessions, which workers make of the messages that are written here."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from agno.session.summary import SessionSummary, SessionSummaryManager

from afterturn import MemoryClient
from afterturn.errors import TurnIdUsed
from api_shim.adapters.agno.memory_manager import AfterturnMemoryManager

if TYPE_CHECKING:
    from agno.metrics import RunMetrics
    from agno.models.message import Message
    from agno.session.agent import AgentSession
    from agno.session.team import TeamSession

#: Episodes whose titles are the topics of a summary.
_TOPICS = 5
#: The last runs of a session whose messages are written: with the one before, in case that its write failed.
_RECENT_RUNS = 2


class AfterturnSummaryManager(SessionSummaryManager):
    """Writes the messages of Agno's sessions, and returns the summaries that the workers make of them.

    A summary follows its messages within about a minute: after a run, Agno gets the one of the runs before.
    """

    def __init__(self, memories: AfterturnMemoryManager) -> None:
        """Write in the place of a memory manager, which knows no session."""
        super().__init__()
        self._memories = memories
        memories.writes_messages = False

    def create_session_summary(
        self, session: AgentSession | TeamSession, run_metrics: RunMetrics | None = None
    ) -> SessionSummary | None:
        """Write the new messages of a session, and return its summary if there is one.

        Raises InvalidInput or MemoryUnavailable.
        """
        owner = getattr(session, "agent_id", None) or session.team_id
        client = self._memories.open(session.user_id, session.session_id, owner)
        messages = session.get_messages(last_n_runs=_RECENT_RUNS)
        _write_once(client, [turn for message in messages for turn in self._turns(message)])
        found = client.session_summary()
        if found is None:
            return None
        topics = [episode.title for episode in client.episodes(session_id=session.session_id, limit=_TOPICS)]
        session.summary = SessionSummary(summary=found.text, topics=topics or None, updated_at=datetime.now(UTC))
        self.summaries_updated = True
        return session.summary

    async def acreate_session_summary(
        self, session: AgentSession | TeamSession, run_metrics: RunMetrics | None = None
    ) -> SessionSummary | None:
        return await asyncio.to_thread(self.create_session_summary, session, run_metrics)

    def _turns(self, message: Message) -> Iterator[dict[str, Any]]:
        """Yield the turn of a message, if it is one of the conversation. Its id is that of the message."""
        if message.role not in ("user", "assistant", "tool") or message.from_history:
            return
        content = message.get_content_string()
        turn: dict[str, Any] = {"turn_id": message.id, "role": message.role, "content": content}
        if message.tool_calls:
            turn["tool_calls"] = message.tool_calls
        if message.tool_call_id:
            turn["tool_call_id"] = message.tool_call_id
        if message.role == "user":
            turn["name"] = self._memories.user_name
        if content or message.tool_calls:
            yield turn


def _write_once(client: MemoryClient, turns: Sequence[dict[str, Any]]) -> None:
    """Write turns. Those that the session has already have no effect; of a changed message, the first stays."""
    try:
        client.write_many(turns)
    except TurnIdUsed:
        for turn in turns:
            with contextlib.suppress(TurnIdUsed):
                client.write_many([turn])
