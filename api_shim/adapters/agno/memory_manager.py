"""Agno's memories of users, as facts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from agno.memory import MemoryManager, UserMemory

from afterturn import MemoryClient, Settings
from afterturn import settings as settings_module
from afterturn.errors import InvalidInput
from api_shim.adapters.agno.memories import all_facts, to_memory

if TYPE_CHECKING:
    from agno.metrics import RunMetrics
    from agno.models.message import Message

#: The user of an agent to which Agno was given none.
_NOBODY = "default"
#: The session of messages of which Agno does not say it.
_SESSION_ID = "agno"
#: Memories in a prompt. Agno shows all that it is given: more cost more tokens in each request.
_LIMIT = 100


class AfterturnMemoryManager(MemoryManager):
    """Memories of Agno, as facts of afterturn: with evidence, versions and one owner.

    An added, replaced or deleted memory takes effect in about a second, an automatic one when its batch is processed.
    """

    def __init__(
        self,
        *,
        limit: int = _LIMIT,
        user_name: str | None = None,
        tenant_id: str | None = None,
        settings: Settings | None = None,
        **options: Any,
    ) -> None:
        """Configure the manager.

        Args:
            limit: the most memories that are shown to the model: those that were said last.
            user_name: the user's name, for the facts about the user.
            tenant_id: the customer that the users belong to. Default: AFTERTURN_TENANT.
            settings: the settings. Default: read from the environment.
            options: those of Agno's MemoryManager. `model` is used by the tool `update_user_memory` only.

        Raises SettingsError.
        """
        super().__init__(**options)
        #: Whether the messages of runs are written here. A summary manager writes them with their session.
        self.writes_messages = True
        self._limit = limit
        self.user_name = user_name
        self._tenant_id = tenant_id
        self._settings = settings_module.from_environment() if settings is None else settings

    def open(self, user_id: str | None, session_id: str = _SESSION_ID, agent_id: str | None = None) -> MemoryClient:
        """Return the client for a user. Raises InvalidId."""
        return MemoryClient(
            _owner_of(user_id), session_id, agent_id, tenant_id=self._tenant_id, settings=self._settings
        )

    def read_from_db(self, user_id: str | None = None) -> dict[str, list[UserMemory]]:
        """Return the memories that were said last, newest first. Raises MemoryUnavailable."""
        owner = _owner_of(user_id)
        return {owner: [to_memory(fact, owner) for fact in self.open(owner).facts(limit=self._limit)]}

    async def aread_from_db(self, user_id: str | None = None) -> dict[str, list[UserMemory]]:
        return await asyncio.to_thread(self.read_from_db, user_id)

    def get_user_memories(self, user_id: str | None = None) -> list[UserMemory]:
        return self.read_from_db(user_id)[_owner_of(user_id)]

    async def aget_user_memories(self, user_id: str | None = None) -> list[UserMemory]:
        return await asyncio.to_thread(self.get_user_memories, user_id)

    def get_user_memory(self, memory_id: str, user_id: str | None = None) -> UserMemory | None:
        """Return the newest version of a memory, or None. Raises MemoryUnavailable."""
        versions = self.open(user_id).fact_history(memory_id)
        return to_memory(versions[-1], _owner_of(user_id)) if versions else None

    def add_user_memory(self, memory: UserMemory, user_id: str | None = None) -> str:
        """Add a memory by hand and return its id. Raises InvalidInput or MemoryUnavailable."""
        return self.add_user_memories([memory], user_id)[0]

    def add_user_memories(self, memories: Sequence[UserMemory], user_id: str | None = None) -> list[str]:
        """Add up to 1,000 memories by hand, all or none, and return their ids.

        Raises InvalidInput or MemoryUnavailable.
        """
        facts = [{"text": memory.memory, "topics": tuple(memory.topics or ())} for memory in memories]
        fact_ids = self.open(user_id).add_facts(facts)
        for memory, fact_id in zip(memories, fact_ids, strict=True):
            memory.memory_id, memory.user_id = fact_id, _owner_of(user_id)
        return fact_ids

    def replace_user_memory(self, memory_id: str, memory: UserMemory, user_id: str | None = None) -> str:
        """Replace a memory by a new version and return its id. Raises InvalidInput or MemoryUnavailable."""
        client = self.open(user_id)
        memory.memory_id = client.correct_fact(memory_id, memory.memory, topics=tuple(memory.topics or ()))
        memory.user_id = _owner_of(user_id)
        return memory.memory_id

    def delete_user_memory(self, memory_id: str, user_id: str | None = None) -> None:
        """Retract a memory. Raises InvalidInput or MemoryUnavailable."""
        self.open(user_id).delete_fact(memory_id)

    def clear_user_memories(self, user_id: str | None = None) -> None:
        """Retract all memories of a user; the conversations stay. Raises MemoryUnavailable."""
        client = self.open(user_id)
        for fact in list(all_facts(client)):
            client.delete_fact(fact.fact_id)

    async def aclear_user_memories(self, user_id: str | None = None) -> None:
        await asyncio.to_thread(self.clear_user_memories, user_id)

    def clear(self) -> None:
        """Raise InvalidInput: no call clears the memories of all users."""
        raise InvalidInput("name the user: clear_user_memories(user_id), or `afterturn forget USER`")

    def create_user_memories(
        self,
        message: str | None = None,
        messages: list[Message] | None = None,
        agent_id: str | None = None,
        team_id: str | None = None,
        user_id: str | None = None,
        run_metrics: RunMetrics | None = None,
    ) -> str:
        """Write what was said. Agno calls it after each run. Raises InvalidInput or MemoryUnavailable."""
        if not self.writes_messages:
            return "The session's messages are written with its summary."
        said: list[tuple[str, str]] = [("user", message)] if message else []
        said += [(each.role, each.get_content_string()) for each in messages or () if not message]
        turns = [
            {"role": role, "content": text, "name": self.user_name if role == "user" else None}
            for role, text in said
            if text.strip()
        ]
        self.open(user_id, agent_id=agent_id or team_id).write_many(turns)
        self.memories_updated = bool(turns)
        return f"{len(turns)} messages are remembered."

    async def acreate_user_memories(self, *arguments: Any, **named: Any) -> str:
        return await asyncio.to_thread(self.create_user_memories, *arguments, **named)

    def update_memory_task(self, task: str, user_id: str | None = None) -> str:
        """Let Agno's model do what the tool `update_user_memory` asks for."""
        return self.run_memory_task(**self._task(task, user_id))

    async def aupdate_memory_task(self, task: str, user_id: str | None = None) -> str:
        return await self.arun_memory_task(**await asyncio.to_thread(self._task, task, user_id))

    def optimize_memories(self, user_id: str | None = None, *_: Any, **__: Any) -> list[UserMemory]:
        """Return the memories as they are: the workers consolidate them."""
        return self.get_user_memories(user_id)

    async def aoptimize_memories(self, user_id: str | None = None, *_: Any, **__: Any) -> list[UserMemory]:
        return await self.aget_user_memories(user_id)

    def search_user_memories(
        self,
        query: str | None = None,
        limit: int | None = None,
        retrieval_method: Any = None,
        user_id: str | None = None,
        *,
        topics: Sequence[str] = (),
    ) -> list[UserMemory]:
        """Return memories: with a query the best ones, without a model; without a query as Agno does.

        Args:
            query: a question or a topic. Agno's own manager uses it for `agentic` only.
            limit: the most memories. Default: those of `limit` of the manager.
            retrieval_method: last_n, first_n or agentic.
            user_id: the user.
            topics: only memories with at least one of these topics.

        Raises InvalidInput or MemoryUnavailable.
        """
        if query and retrieval_method in (None, "agentic"):
            client, count = self.open(user_id), limit or self._limit
            found = client.recall(query, count, kinds=["fact"], topics=list(topics) or None)
            return [to_memory(memory, _owner_of(user_id)) for memory in found]
        if not topics:
            return super().search_user_memories(query, limit, retrieval_method, user_id)
        wanted = {topic.lower() for topic in topics}
        facts = [fact for fact in all_facts(self.open(user_id)) if wanted & {topic.lower() for topic in fact.topics}]
        return [to_memory(fact, _owner_of(user_id)) for fact in facts[: limit or self._limit]]

    def _task(self, task: str, user_id: str | None) -> dict[str, Any]:
        existing = [{"memory_id": each.memory_id, "memory": each.memory} for each in self.get_user_memories(user_id)]
        return {
            "task": task,
            "existing_memories": existing,
            "user_id": _owner_of(user_id),
            "db": _UserFacts(self),
            "delete_memories": self.delete_memories,
            "update_memories": self.update_memories,
            "add_memories": self.add_memories,
            "clear_memories": False,
        }


class _UserFacts:
    """What Agno's tools for a model call of a database."""

    def __init__(self, manager: AfterturnMemoryManager) -> None:
        self._manager = manager

    def upsert_user_memory(self, memory: UserMemory) -> None:
        known = {each.memory_id for each in self._manager.get_user_memories(memory.user_id)}
        if memory.memory_id is not None and memory.memory_id in known:
            self._manager.replace_user_memory(memory.memory_id, memory, memory.user_id)
        else:
            self._manager.add_user_memory(memory, memory.user_id)

    def delete_user_memory(self, memory_id: str, user_id: str) -> None:
        self._manager.delete_user_memory(memory_id, user_id)


def _owner_of(user_id: str | None) -> str:
    """Return the user to whom memories belong. An empty id is not nobody's: it is refused later."""
    return _NOBODY if user_id is None else user_id
