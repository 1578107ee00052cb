"""The calls of `MemoryClient` about facts: reading them, and a person's edits."""

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
from api_shim.connections import Connections
from api_shim.conversation import Conversation, as_ours, checked_limit
from api_shim.editing import Said


class FactCalls(ABC):
    """Facts of one user. An edit is one round trip to Redis, like a write, and takes effect in about a second.

    Each edit may be given an `edit_id`, which makes a repeated call the same edit. An edit of a fact that is not there,
    or is another user's, changes nothing.
    """

    _conversation: Conversation

    @property
    @abstractmethod
    def _connections(self) -> Connections: ...

    @abstractmethod
    def _send(self, script: Script, keys: tuple[str, ...], arguments: list[str | bytes | int]) -> None: ...

    def facts(
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
        """Return the user's current facts, those said last first, each with its evidence.

        Args:
            subject: only about this person or thing, by name, in upper or lower case.
            attribute: only this property of it, such as lives_in.
            topic: only with this topic.
            category: only of this category.
            include_superseded: those as well whose place another one has taken.
            as_of: a moment, with a timezone: the facts of that time instead of the current ones.
            time: what `as_of` means. `world`: what was true then, as far as is known today; where nobody said since
                when a fact holds, since it was said. `recorded`: what was believed then, whatever became of it since.
            limit: at most so many.

        Raises InvalidInput or MemoryUnavailable.
        """
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
        return self._read_facts(wanted)

    def fact_history(self, fact_id: str | UUID) -> list[Fact]:
        """Return all versions of a fact, oldest first: what it took the place of, what took its place, and why.

        Any version's id will do. Empty where there is no such fact. Raises InvalidInput or MemoryUnavailable.
        """
        return self._read_facts(fact_queries.history_statement(self._conversation.session.user, fact_id))

    def add_fact(
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
        """Enter a fact by hand and return the id that it will have. What a person enters beats what was extracted.

        Args:
            text: one sentence that stands alone, up to 2,000 characters.
            category: such as place or preference; other when not given.
            topics: words that one would look for, up to 20.
            subject: whom or what it is about, by name.
            attribute: which property of the subject, such as lives_in.
            value: the property's value. With all three, a conversation that gives another value is recognised.
            importance: 0 (trivial) to 1 (essential).
            valid_from: since when it holds, with a timezone.
            valid_to: until when it held.
            pinned: whether it is kept whatever a clean-up thinks of it.
            edit_id: the caller's id; a repeated call with the same id is the same edit.

        Raises InvalidInput, or MemoryUnavailable when Redis did not acknowledge it.
        """
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
        return self.add_facts([{"text": text, "pinned": pinned, **said}], edit_id=edit_id)[0]

    def add_facts(self, facts: Iterable[Mapping[str, Any]], *, edit_id: str | None = None) -> list[str]:
        """Enter up to 1,000 facts in one round trip, all or none, and return the ids that they will have.

        Args:
            facts: mappings of `add_fact`'s arguments, such as {"text": "Ana lives in Porto.", "subject": "Ana"}.
            edit_id: the caller's id; a repeated call with the same id is the same edit.

        Raises InvalidInput, or MemoryUnavailable when Redis did not acknowledge them.
        """
        written, fact_ids = editing.addition(self._conversation, editing.new_facts(facts), edit_id)
        if written:
            self._edit(written)
        return fact_ids

    def correct_fact(
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
        """Put another fact in a fact's place and return the id that it will have. The old one stays in the history.

        What is not given is taken over from the old one, but for its value. With no time given, the old one was a
        mistake from the beginning; with `valid_from`, it was true until then. Where something else has taken the old
        one's place meanwhile, that is corrected. The arguments are those of `add_fact`.

        Raises InvalidInput, or MemoryUnavailable when Redis did not acknowledge it.
        """
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
        self._edit([turn])
        return new_id

    def pin_fact(self, fact_id: str | UUID, *, edit_id: str | None = None) -> None:
        """Pin a fact: it is kept whatever a clean-up thinks of it, and stands first. Raises InvalidInput."""
        self._edit([editing.action(self._conversation, Action.PIN, fact_id, edit_id)])

    def unpin_fact(self, fact_id: str | UUID, *, edit_id: str | None = None) -> None:
        """Let a pinned fact be one like the others. Raises InvalidInput or MemoryUnavailable."""
        self._edit([editing.action(self._conversation, Action.UNPIN, fact_id, edit_id)])

    def delete_fact(self, fact_id: str | UUID, *, edit_id: str | None = None) -> None:
        """Believe a fact no more. Nothing comes back in its place; `fact_history` still tells of it.

        To have nothing left of a user, forget them. Raises InvalidInput or MemoryUnavailable.
        """
        self._edit([editing.action(self._conversation, Action.DELETE, fact_id, edit_id)])

    def _edit(self, written: Sequence[Turn]) -> None:
        self._send(scripts.WRITE, self._conversation.edit_keys, self._conversation.edit_arguments(written))

    def _read_facts(self, wanted: Statement) -> list[Fact]:
        hidden = self._hidden()
        user = self._conversation.session.user
        with pool.user_transaction(self._connections.postgres, user) as connection:
            rows = connection.execute(wanted.sql, wanted.arguments).fetchall()
            reasons = fact_queries.evidence_statement(user, rows)
            evidence = connection.execute(reasons.sql, reasons.arguments).fetchall()
        return fact.exclude_turns(fact_queries.parse_facts(rows, evidence), hidden)

    def _hidden(self) -> set[tuple[str, str]]:
        """Return the turns that were taken back and that Postgres may still show."""
        try:
            names: Any = self._connections.redis.hkeys(self._conversation.hidden_key)
        except RedisError as error:
            raise as_ours(error) from error
        return {keys.hidden_turn(name.decode()) for name in names}
