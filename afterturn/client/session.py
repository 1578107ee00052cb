"""Whose memory a client works on, and what it sends to Redis for it. Without I/O."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from afterturn import ids, turns
from afterturn.client.limits import WRITE_MANY_LIMIT
from afterturn.errors import InvalidInput
from afterturn.hot import keys, pending, scripts
from afterturn.hot.prepared_call import PreparedCall
from afterturn.scopes import SessionScope

if TYPE_CHECKING:
    from afterturn.settings import Settings

logger = logging.getLogger("afterturn.client")

#: How often a client warns of the pending limit.
ALARM_EVERY_SECONDS = 60.0

#: The id and the payload of one entry of a pending stream.
Entry: TypeAlias = tuple[str, bytes]


class ClientSession:
    """One session of one user, as a client sees it: checked ids, settings, keys. Holds no connection and no lock."""

    def __init__(
        self,
        *,
        user_id: str,
        session_id: str,
        agent_id: str | None,
        tenant_id: str | None,
        settings: Settings | None,
    ) -> None:
        if settings is None:
            from afterturn.settings import from_environment  # pydantic is heavy: to import a client costs less without

            settings = from_environment()
        self.settings = settings
        self.scope = SessionScope(
            ids.validate_id("tenant_id", self.settings.tenant if tenant_id is None else tenant_id),
            ids.validate_id("user_id", user_id),
            ids.validate_session_id(session_id),
        )
        self.agent_id = None if agent_id is None else ids.validate_id("agent_id", agent_id)
        self._alarm_bytes = int(self.settings.pending_limit_bytes_per_shard * pending.ALARM_FRACTION)
        self._alarmed_at = float("-inf")

    @cached_property
    def pending_key(self) -> str:
        return keys.pending(self.scope)

    @cached_property
    def edits_pending_key(self) -> str:
        """The pending stream of a person's edits, which are in a session of their own."""
        return keys.pending(self._edits)

    @cached_property
    def recent_key(self) -> str:
        return keys.recent(self.scope)

    @cached_property
    def hidden_key(self) -> str:
        return keys.hidden(self.scope.user)

    @cached_property
    def write_call(self) -> PreparedCall:
        """The call that appends to the session's pending stream; `arguments` gives the rest of it."""
        limit_bytes = self.settings.pending_limit_bytes_per_shard
        return PreparedCall(scripts.WRITE, (self.pending_key, *self._shard_keys), keys.member(self.scope), limit_bytes)

    @cached_property
    def edit_call(self) -> PreparedCall:
        """The same for a person's edits."""
        limit_bytes = self.settings.pending_limit_bytes_per_shard
        touched = (self.edits_pending_key, *self._shard_keys)
        return PreparedCall(scripts.WRITE, touched, keys.member(self._edits), limit_bytes)

    @cached_property
    def remove_call(self) -> PreparedCall:
        """The call that takes a turn of the session back."""
        touched = (self.pending_key, *self._shard_keys, self.hidden_key)
        return PreparedCall(scripts.REMOVE, touched, keys.member(self.scope))

    def entries(self, given: Iterable[Mapping[str, Any]]) -> list[Entry]:
        """Return the entries of `write_many`'s turns, each a mapping of `write`'s arguments. Raises InvalidInput."""
        entries: list[Entry] = []
        for number, arguments in enumerate(given):
            try:
                entries.append(
                    turns.make_payload(limit_bytes=self.settings.turn_limit_bytes, agent_id=self.agent_id, **arguments)
                )
            except TypeError as error:
                raise InvalidInput(f"turn {number} of write_many: {error}") from None
        if len(entries) > WRITE_MANY_LIMIT:
            raise InvalidInput(f"write_many takes up to {WRITE_MANY_LIMIT} turns at a time, not {len(entries)}")
        return entries

    def note_pending(self, pending_bytes: int) -> None:
        """Log a warning, now and then, when the archive falls behind."""
        if pending_bytes > self._alarm_bytes and time.monotonic() - self._alarmed_at > ALARM_EVERY_SECONDS:
            self._alarmed_at = time.monotonic()
            logger.warning(
                "%d bytes of turns wait for the archive; writes are refused at %d: are the workers running?",
                pending_bytes,
                self.settings.pending_limit_bytes_per_shard,
            )

    @property
    def _shard_keys(self) -> tuple[str, str]:
        shard = keys.shard_of(self.scope.tenant_id, self.scope.user_id)
        return keys.due(shard), keys.pending_bytes(shard)

    @cached_property
    def _edits(self) -> SessionScope:
        from afterturn.facts import edits

        return SessionScope(self.scope.tenant_id, self.scope.user_id, edits.SESSION_ID)


def arguments(entries: Sequence[Entry]) -> list[bytes]:
    """Return the further arguments of a write: the bytes of all payloads, then id and payload of each entry."""
    found = [b"%d" % sum([len(payload) for _, payload in entries])]
    for entry_id, payload in entries:
        found += (entry_id.encode(), payload)
    return found
