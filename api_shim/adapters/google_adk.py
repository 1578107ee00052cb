"""Google ADK: a memory service.

    runner = Runner(..., memory_service=AfterturnMemoryService())

`add_session_to_memory` writes what is new of a session, as often as it is called. The workers learn from it, and
`search_memory`, which ADK's tools `load_memory` and `preload_memory` call, finds facts and what was said.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from afterturn import Memory, MemoryClient, Settings, extras, ids
from afterturn import settings as settings_module
from afterturn.client.limits import WRITE_MANY_LIMIT
from afterturn.errors import InvalidInput, TurnIdUsed

extras.require("google-adk", "the adapter for Google ADK")

from google.adk.memory.base_memory_service import BaseMemoryService, SearchMemoryResponse  # noqa: E402
from google.adk.memory.memory_entry import MemoryEntry  # noqa: E402
from google.genai import types  # noqa: E402

if TYPE_CHECKING:
    from google.adk.events.event import Event
    from google.adk.sessions.session import Session

#: The author of a user's events in ADK.
_USER = "user"
#: The session of events of which ADK does not say it, and of memories that are added by hand.
_SESSION_ID = "adk"
#: Memories that a search returns. ADK puts all of them into the prompt.
_LIMIT = 10


class AfterturnMemoryService(BaseMemoryService):
    """The memories of ADK's users. An app sees what was said in it, and not what was said in others."""

    def __init__(self, *, limit: int = _LIMIT, tenant_id: str | None = None, settings: Settings | None = None) -> None:
        """Configure the service.

        Args:
            limit: the most memories that a search returns.
            tenant_id: the customer that the users belong to. Default: AFTERTURN_TENANT.
            settings: the settings. Default: read from the environment.

        Raises SettingsError.
        """
        self._limit = limit
        self._tenant_id = tenant_id
        self._settings = settings_module.from_environment() if settings is None else settings

    async def add_session_to_memory(self, session: Session) -> None:
        """Write the events of a session that are not written yet. Raises InvalidInput or MemoryUnavailable."""
        await self.add_events_to_memory(
            app_name=session.app_name, user_id=session.user_id, events=session.events, session_id=session.id
        )

    async def add_events_to_memory(
        self,
        *,
        app_name: str,
        user_id: str,
        events: Sequence[Event],
        session_id: str | None = None,
        custom_metadata: Mapping[str, object] | None = None,
    ) -> None:
        """Write events; those that are written already have no effect. Raises InvalidInput or MemoryUnavailable."""
        turns = [turn for event in events for turn in _turns(event, custom_metadata)]
        client = self._open(app_name, user_id, session_id or _SESSION_ID)
        await asyncio.to_thread(_write_once, client, turns)

    async def add_memory(
        self,
        *,
        app_name: str,
        user_id: str,
        memories: Sequence[MemoryEntry],
        custom_metadata: Mapping[str, object] | None = None,
    ) -> None:
        """Add memories by hand, all or none. They take effect in about a second.

        Raises InvalidInput or MemoryUnavailable.
        """
        facts = [{"text": text} for memory in memories if (text := _text(memory.content))]
        await asyncio.to_thread(self._open(app_name, user_id).add_facts, facts)

    async def search_memory(self, *, app_name: str, user_id: str, query: str) -> SearchMemoryResponse:
        """Return the memories that answer a query, best first. Raises InvalidInput or MemoryUnavailable."""
        if not query.strip():
            return SearchMemoryResponse()
        client = self._open(app_name, user_id)

        def recall() -> list[Memory]:
            return client.recall(query, self._limit, agent_id=app_name)

        return SearchMemoryResponse(memories=[_to_entry(memory) for memory in await asyncio.to_thread(recall)])

    async def delete_memory(self, *, app_name: str, user_id: str, memory_id: str | None = None) -> None:
        """Retract a fact, or remove what was said with all that was learnt from it.

        Args:
            app_name: the app.
            user_id: the user.
            memory_id: the `id` of a memory that a search returned.

        Raises InvalidInput or MemoryUnavailable.
        """
        kind, _, name = (memory_id or "").partition(":")
        session_id, _, turn_id = name.partition(":")
        if kind == "fact":
            await asyncio.to_thread(self._open(app_name, user_id).delete_fact, name)
        elif kind == "turn" and turn_id:
            client = self._client(app_name, user_id, unquote(session_id))
            await asyncio.to_thread(client.remove, unquote(turn_id))
        elif memory_id:
            raise InvalidInput("memory_id is not the id of a memory that a search returned")

    def _open(self, app_name: str, user_id: str, session_id: str = _SESSION_ID) -> MemoryClient:
        """Return the client for a session of an app. Two apps may have sessions with the same id."""
        named = f"{quote(app_name, safe='')}/{session_id}"
        if len(named) > ids.ID_LIMIT_CHARACTERS or len(named.encode()) > ids.ID_LIMIT_BYTES:
            named = f"sha256/{hashlib.sha256(named.encode()).hexdigest()}"
        return self._client(app_name, user_id, named)

    def _client(self, app_name: str, user_id: str, session_id: str) -> MemoryClient:
        return MemoryClient(user_id, session_id, app_name, tenant_id=self._tenant_id, settings=self._settings)


def _write_once(client: MemoryClient, turns: Sequence[dict[str, Any]]) -> None:
    """Write turns. Those that the session has already have no effect; of a changed event, the first version stays."""
    for start in range(0, len(turns), WRITE_MANY_LIMIT):
        part = turns[start : start + WRITE_MANY_LIMIT]
        try:
            client.write_many(part)
        except TurnIdUsed:
            for turn in part:
                with suppress(TurnIdUsed):
                    client.write_many([turn])


def _turns(event: Event, metadata: Mapping[str, object] | None) -> Iterator[dict[str, Any]]:
    """Yield the turn of an event that says something. Pieces of a stream are left out: the whole follows them."""
    text = _text(event.content)
    if not text or event.partial:
        return
    is_user = event.author == _USER
    yield {
        "turn_id": event.id,
        "role": "user" if is_user else "assistant",
        "content": text,
        "name": None if is_user else event.author,
        "occurred_at": datetime.fromtimestamp(event.timestamp, UTC),
        "metadata": dict(metadata) if metadata else None,
    }


def _text(content: types.Content | None) -> str:
    """Return what a content says. Thoughts of the model are not said."""
    parts = (content.parts if content is not None else None) or []
    return "\n".join(part.text for part in parts if part.text and not part.thought)


def _to_entry(memory: Memory) -> MemoryEntry:
    name = memory.memory_id
    if memory.kind == "turn":
        name = f"{quote(memory.session_id, safe='')}:{quote(name, safe='')}"
    speaker = memory.evidence[0].speaker if memory.evidence else None
    return MemoryEntry(
        id=f"{memory.kind}:{name}",
        content=types.Content(role="user", parts=[types.Part(text=memory.text)]),
        author=speaker,
        timestamp=memory.said_at.isoformat(),
    )
