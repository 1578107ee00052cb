"""The access log: who used the rights of an administrator, on whom and when. It has no content."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from afterturn import system_user
from afterturn.access.caller import Caller, CallerKind
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.scopes import UserScope

_SQL = queries.load("access_log")


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who did it, and from where."""

    kind: CallerKind
    #: See `Caller.name`.
    name: str | None = None
    #: The client's address; None for a command.
    address: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of the log."""

    happened_at: datetime
    actor_kind: str
    actor: str | None
    address: str | None
    action: str
    tenant_id: str
    #: Whose memory; None if the entry is about no user, or about one who was forgotten.
    about_user: str | None
    #: The hash of the ids of a user who was forgotten, as in the receipt of the erasure.
    owner_hash: str | None
    key_id: UUID | None
    details: dict[str, Any]


def make_system_actor() -> Actor:
    """Return the actor of a command: the user of the operating system."""
    return Actor(kind="system", name=system_user.read_name())


def make_actor(caller: Caller, address: str | None) -> Actor:
    """Return the actor of a request."""
    return Actor(kind=caller.kind, name=caller.name, address=address)


def record(
    connection: Connection,
    action: str,
    *,
    actor: Actor,
    tenant_id: str,
    user_id: str | None = None,
    key_id: UUID | None = None,
    details: dict[str, Any] | None = None,
) -> None:
    """Add an entry. Doors do this before they act: an action that fails later is in the log too.

    Args:
        connection: with the worker role.
        action: such as export, forget, facts.list, keys.create.
        actor: who does it.
        tenant_id: the tenant.
        user_id: whose memory, if of one user.
        key_id: the key that is changed, if one is.
        details: numbers and fixed words; no content and no ids of users.
    """
    values = {
        "actor_kind": actor.kind,
        "actor": actor.name,
        "address": actor.address,
        "action": action,
        "tenant_id": tenant_id,
        "about_user": user_id,
        "key_id": key_id,
        "details": Jsonb(details or {}),
    }
    connection.execute(_SQL["record"], values)


def read(
    connection: Connection,
    *,
    tenant_id: str | None = None,
    user: UserScope | None = None,
    owner_hash: str | None = None,
    action: str | None = None,
    limit: int = 50,
) -> list[Entry]:
    """Return the latest entries, the newest first, and with them the replays and discards of dead letters.

    Args:
        connection: with the worker role.
        tenant_id: only of this tenant.
        user: only about this user.
        owner_hash: the user's owner hash; finds the entries from before the user was forgotten.
        action: only this action, or a group of them: `keys` for all that was done to keys.
        limit: the largest number of entries.
    """
    values = {
        "tenant_id": tenant_id if user is None else user.tenant_id,
        "user_id": None if user is None else user.user_id,
        "owner_hash": owner_hash,
        "action": action,
        "limit": limit,
    }
    return [Entry(**row) for row in connection.execute(_SQL["read"], values).fetchall()]
