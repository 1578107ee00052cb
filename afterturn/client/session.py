"""The session of a client: its ids, its Redis keys and its calls of Redis scripts. Without I/O."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from afterturn import ids, turns
from afterturn.chat_messages import Message
from afterturn.client import known_secrets
from afterturn.client.limits import WRITE_MANY_LIMIT
from afterturn.errors import InvalidId, InvalidInput
from afterturn.hot import keys, pending, scripts
from afterturn.hot.prepared_call import PreparedCall
from afterturn.scopes import SessionScope

if TYPE_CHECKING:
    from afterturn.settings import Settings

logger = logging.getLogger("afterturn.client")

#: The shortest time between two warnings of a client about the pending limit.
WARNING_INTERVAL_SECONDS = 60.0

#: The arguments of `write` that are no further fields of a message.
_WRITE_ARGUMENTS = frozenset({"role", "content", "turn_id", "name", "occurred_at", "metadata", "memories_shown"})

#: The session of a client for which none is given.
DEFAULT_SESSION_ID = "default"

#: The id and the payload of one entry of a pending stream.
Entry: TypeAlias = tuple[str, bytes]


class ClientSession:
    """One session of one user: validated ids, settings and Redis keys. It has no connection and no lock."""

    def __init__(
        self,
        *,
        user_id: str | None,
        session_id: str,
        agent_id: str | None,
        tenant_id: str | None,
        settings: Settings | None,
    ) -> None:
        """Validate the ids. Without a user, the memory is the session's own.

        Raises InvalidId or SettingsError.
        """
        if settings is None:
            from afterturn.settings import from_environment  # slow to import: pydantic

            settings = from_environment()
        self.settings = settings
        session_id = ids.validate_session_id(session_id)
        self.scope = SessionScope(
            ids.validate_id("tenant_id", self.settings.tenant if tenant_id is None else tenant_id),
            _own_memory_id(session_id) if user_id is None else ids.validate_user_id(user_id),
            session_id,
        )
        #: Whether secrets are replaced before a turn is written.
        self.redacts_turns = self.settings.turn_secrets == "redact"
        self.agent_id = None if agent_id is None else ids.validate_id("agent_id", agent_id)
        self._warning_bytes = int(self.settings.pending_limit_bytes_per_shard * pending.WARNING_FRACTION)
        self._warned_at = float("-inf")

    @cached_property
    def pending_key(self) -> str:
        return keys.pending(self.scope)

    @cached_property
    def edits_pending_key(self) -> str:
        """The pending stream of the user's edits. Edits have a session of their own."""
        return keys.pending(self._edits_scope)

    @cached_property
    def recent_key(self) -> str:
        return keys.recent(self.scope)

    @cached_property
    def hidden_key(self) -> str:
        return keys.hidden(self.scope.user)

    @cached_property
    def write_call(self) -> PreparedCall:
        """The call that appends to the session's pending stream. `write_arguments` returns its other arguments."""
        limit_bytes = self.settings.pending_limit_bytes_per_shard
        script_keys = (self.pending_key, *self._shard_keys, keys.known_ids(self.scope))
        return PreparedCall(scripts.WRITE, script_keys, keys.member(self.scope), limit_bytes)

    @cached_property
    def edit_call(self) -> PreparedCall:
        """The call that appends to the pending stream of the user's edits."""
        limit_bytes = self.settings.pending_limit_bytes_per_shard
        script_keys = (self.edits_pending_key, *self._shard_keys, keys.known_ids(self._edits_scope))
        return PreparedCall(scripts.WRITE, script_keys, keys.member(self._edits_scope), limit_bytes)

    @cached_property
    def remove_call(self) -> PreparedCall:
        """The call that removes a turn of the session."""
        script_keys = (self.pending_key, *self._shard_keys, self.hidden_key)
        return PreparedCall(scripts.REMOVE, script_keys, keys.member(self.scope))

    def make_entries(self, messages: Iterable[Message]) -> list[Entry]:
        """Return the stream entries of turns. Raises InvalidInput.

        Args:
            messages: the arguments of `write` for each turn, or messages of a chat API.
        """
        entries: list[Entry] = []
        for number, message in enumerate(messages):
            arguments = message if isinstance(message, Mapping) else {"role": message}
            if not arguments.keys() <= _WRITE_ARGUMENTS:
                arguments = _separate_fields(arguments)
            try:
                entries.append(
                    turns.make_payload(
                        limit_bytes=self.settings.turn_limit_bytes,
                        future_seconds=self.settings.future_limit_seconds,
                        agent_id=self.agent_id,
                        **arguments,
                    )
                )
            except TypeError as error:
                raise InvalidInput(f"turn {number} of write_many: {error}") from None
            except InvalidInput as error:
                raise type(error)(f"turn {number} of write_many: {error}") from None
        if self.redacts_turns:
            entries = [
                (turn_id, known_secrets.redact_payload(self.scope.user, payload)) for turn_id, payload in entries
            ]
        if len(entries) > WRITE_MANY_LIMIT:
            raise InvalidInput(f"write_many accepts up to {WRITE_MANY_LIMIT} turns per call, not {len(entries)}")
        return entries

    def warn_of_backlog(self, pending_bytes: int) -> None:
        """Log a warning, at most once per interval, if many bytes wait for the archive stage."""
        if pending_bytes > self._warning_bytes and time.monotonic() - self._warned_at > WARNING_INTERVAL_SECONDS:
            self._warned_at = time.monotonic()
            logger.warning(
                "%d bytes of turns wait for the archive; writes are refused at %d bytes. Check that the workers run.",
                pending_bytes,
                self.settings.pending_limit_bytes_per_shard,
            )

    @property
    def _shard_keys(self) -> tuple[str, str]:
        shard = keys.shard_of(self.scope.tenant_id, self.scope.user_id)
        return keys.due(shard), keys.pending_bytes(shard)

    @cached_property
    def _edits_scope(self) -> SessionScope:
        from afterturn.facts import edits

        return SessionScope(self.scope.tenant_id, self.scope.user_id, edits.SESSION_ID)


def _own_memory_id(session_id: str) -> str:
    """Return the user id of a session's own memory. Raises InvalidId for the session that is nobody's choice."""
    if session_id == DEFAULT_SESSION_ID:
        raise InvalidId(
            f"user_id is missing: it may be left out only if the session has an id other than {DEFAULT_SESSION_ID}, "
            "because the memory is then the session's own"
        )
    return ids.derive_session_memory_id(session_id)


def _separate_fields(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments of `make_payload`: the fields of the message that are none of them are its `fields`."""
    known = {name: value for name, value in arguments.items() if name in _WRITE_ARGUMENTS}
    return known | {"fields": {name: value for name, value in arguments.items() if name not in _WRITE_ARGUMENTS}}


def write_arguments(entries: Sequence[Entry]) -> list[bytes]:
    """Return the arguments of a write: the size of all payloads in bytes, id and payload of each entry, digests."""
    values = [b"%d" % sum([len(payload) for _, payload in entries])]
    for entry_id, payload in entries:
        values += (entry_id.encode(), payload)
    return values + turns.digests_of_given([payload for _, payload in entries])


def write_one_arguments(entry_id: str, payload: bytes) -> list[bytes]:
    """Return the arguments of a write of one entry. On the hot path the general form costs noticeably more."""
    values = [b"%d" % len(payload), entry_id.encode(), payload]
    if turns.has_given_id(payload):
        values.append(turns.content_digest(payload))
    return values
