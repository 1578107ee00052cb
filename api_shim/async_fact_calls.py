"""The same calls about facts for asyncio."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from redis.exceptions import RedisError

from afterturn.database import pool
from afterturn.database.statement import Statement
from afterturn.facts import fact, fact_queries
from afterturn.facts.edits import Action
from afterturn.facts.fact import Fact, TimeAxis
from afterturn.hot import keys, scripts
from afterturn.hot.scripts import Script
from afterturn.turns import Turn
from api_shim import editing
from api_shim.connections import AsyncConnections
from api_shim.conversation import Conversation, as_ours, checked_limit
from api_shim.editing import Said


class AsyncFactCalls(ABC):
    """Facts of one user. The calls, their arguments and errors are those of `FactCalls`."""

    _conversation: Conversation

    @property
    @abstractmethod
    def _connections(self) -> AsyncConnections: ...

    @abstractmethod
    async def _send(self, script: Script, keys: tuple[str, ...], arguments: list[str | bytes | int]) -> None: ...

    async def facts(
        self,
        *,
        subject: str | None = None,
        attribute: str | None = None,
        topic: str | None = None,
        category: str | None = None,
        include_superseded: bool = False,
        as_of: datetime | None = None,
        time: TimeAxis = "world",
        limit: int = 100,
    ) -> list[Fact]:
        """Return the user's current facts, each with its evidence. See `MemoryClient.facts`."""
        wanted = fact_queries.facts_statement(
            self._conversation.session.user,
            subject=subject,
            attribute=attribute,
            topic=topic,
            category=category,
            include_superseded=include_superseded,
            as_of=as_of,
            time=time,
            limit=checked_limit(limit),
        )
        return await self._read_facts(wanted)

    async def fact_history(self, fact_id: str | UUID) -> list[Fact]:
        """Return all versions of a fact, oldest first. See `MemoryClient.fact_history`."""
        return await self._read_facts(fact_queries.history_statement(self._conversation.session.user, fact_id))

    async def add_fact(
        self,
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
        pinned: bool = False,
        edit_id: str | None = None,
    ) -> str:
        """Enter a fact by hand and return the id that it will have. See `MemoryClient.add_fact`."""
        said = Said(
            category=category,
            topics=topics,
            subject=subject,
            attribute=attribute,
            value=value,
            importance=importance,
            valid_from=valid_from,
            valid_to=valid_to,
        )
        return (await self.add_facts([{"text": text, "pinned": pinned, **said}], edit_id=edit_id))[0]

    async def add_facts(self, facts: Iterable[Mapping[str, Any]], *, edit_id: str | None = None) -> list[str]:
        """Enter up to 1,000 facts in one round trip, all or none. See `MemoryClient.add_facts`."""
        written, fact_ids = editing.addition(self._conversation, editing.new_facts(facts), edit_id)
        if written:
            await self._edit(written)
        return fact_ids

    async def correct_fact(
        self,
        fact_id: str | UUID,
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
        pinned: bool | None = None,
        edit_id: str | None = None,
    ) -> str:
        """Put another fact in a fact's place and return its id. See `MemoryClient.correct_fact`."""
        said = Said(
            category=category,
            topics=topics,
            subject=subject,
            attribute=attribute,
            value=value,
            importance=importance,
            valid_from=valid_from,
            valid_to=valid_to,
        )
        turn, new_id = editing.correction(self._conversation, fact_id, text, said, pinned, edit_id)
        await self._edit([turn])
        return new_id

    async def pin_fact(self, fact_id: str | UUID, *, edit_id: str | None = None) -> None:
        """Pin a fact. See `MemoryClient.pin_fact`."""
        await self._edit([editing.action(self._conversation, Action.PIN, fact_id, edit_id)])

    async def unpin_fact(self, fact_id: str | UUID, *, edit_id: str | None = None) -> None:
        """Let a pinned fact be one like the others. See `MemoryClient.unpin_fact`."""
        await self._edit([editing.action(self._conversation, Action.UNPIN, fact_id, edit_id)])

    async def delete_fact(self, fact_id: str | UUID, *, edit_id: str | None = None) -> None:
        """Believe a fact no more. See `MemoryClient.delete_fact`."""
        await self._edit([editing.action(self._conversation, Action.DELETE, fact_id, edit_id)])

    async def _edit(self, written: Sequence[Turn]) -> None:
        await self._send(scripts.WRITE, self._conversation.edit_keys, self._conversation.edit_arguments(written))

    async def _read_facts(self, wanted: Statement) -> list[Fact]:
        hidden = await self._hidden()
        user = self._conversation.session.user
        async with pool.async_user_transaction(await self._connections.postgres(), user) as connection:
            found = await connection.execute(wanted.sql, wanted.arguments)
            rows = await found.fetchall()
            reasons = fact_queries.evidence_statement(user, rows)
            said = await connection.execute(reasons.sql, reasons.arguments)
            evidence = await said.fetchall()
        return fact.exclude_turns(fact_queries.parse_facts(rows, evidence), hidden)

    async def _hidden(self) -> set[tuple[str, str]]:
        """Return the turns that were taken back and that Postgres may still show."""
        try:
            names: Any = await self._connections.redis.hkeys(self._conversation.hidden_key)
        except RedisError as error:
            raise as_ours(error) from error
        return {keys.hidden_turn(name.decode()) for name in names}
