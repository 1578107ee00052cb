"""Create, list, rotate and revoke keys. Each change is in the access log, in the same transaction.

The functions take a connection with the worker role. The key itself is returned once, by `create` and `rotate`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from afterturn import ids
from afterturn.access import access_log, api_key, key_text
from afterturn.access.access_log import Actor
from afterturn.access.api_key import ApiKey
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.errors import InvalidInput
from afterturn.principal import Principal

#: How long a rotated key goes on working by default: time to give the new one to its users.
GRACE_SECONDS = 3_600.0
#: The longest lifetime and grace, ten years: what is longer is a typing error, or a key that never expires.
LIFETIME_LIMIT_SECONDS = 10 * 366 * 86_400.0
#: The largest number of users that a key names. Its row is read at each use; for more users there are prefixes.
USERS_LIMIT = 1_000
#: The label of the key that `afterturn up` makes. Such a key alone does not make the API of this machine require one
#: (`has_api_keys` in the migrations knows the label), so that no other key may have it.
MACHINE_LABEL = "afterturn up"

_SQL = queries.load("api_keys")
#: Columns of a key that `create` may be given.
_NOT_GIVEN = {"label": None, "expires_at": None, "expires_in_seconds": None, "requests_per_minute": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key that was just made. `text` is the key, which cannot be read again."""

    text: str
    row: ApiKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """The new key, and the old one with its new end."""

    new: NewKey
    old: ApiKey


def create(
    connection: Connection,
    principal: Principal,
    *,
    actor: Actor,
    label: str | None = None,
    expires_at: datetime | None = None,
    expires_in_seconds: float | None = None,
    requests_per_minute: int | None = None,
) -> NewKey:
    """Create a key with the tenant, the users and the rights of a principal.

    Args:
        connection: with the worker role.
        principal: what the key gives access to.
        actor: who creates it, for the access log.
        label: what the creator calls the key. It must not name a person: it is kept when a user is forgotten, if the
            key names other users too.
        expires_at: when it ends.
        expires_in_seconds: or in how many seconds.
        requests_per_minute: its own rate limit.

    Raises InvalidInput.
    """
    _check(principal, label, expires_at, expires_in_seconds, requests_per_minute)
    columns = {
        "label": label,
        "expires_at": expires_at,
        "expires_in_seconds": expires_in_seconds,
        "requests_per_minute": requests_per_minute,
    }
    return _insert(connection, principal, columns, actor)


def create_for_machine(connection: Connection, principal: Principal) -> NewKey:
    """Create the key that `afterturn up` shows for programs of this machine. It does not expire. See `create`."""
    return _insert(connection, principal, {"label": MACHINE_LABEL}, access_log.make_system_actor())


def is_good(connection: Connection, text: str) -> bool:
    """Return whether a key can be used now. Args: connection: with the worker role; text: the key itself."""
    digest = key_text.digest_of(text)
    row = connection.execute(_SQL["find"], {"digest": digest}).fetchone()
    return row is not None and api_key.can_be_used(row, digest)


def list_keys(connection: Connection, *, tenant_id: str | None = None, with_ended: bool = False) -> list[ApiKey]:
    """Return the keys of a tenant, or of all tenants, the newest first.

    Args:
        connection: with the worker role.
        tenant_id: the tenant; None: all.
        with_ended: whether keys that are revoked or expired are returned too.
    """
    rows = connection.execute(_SQL["list"], {"tenant_id": tenant_id, "with_ended": with_ended}).fetchall()
    return [api_key.from_row(row) for row in rows]


def exists(connection: Connection) -> bool:
    """Return whether there is a key, or was one: requests then need a credential."""
    row = connection.execute(_SQL["has_keys"]).fetchone()
    return row is not None and bool(row["has_keys"])


def rotate(
    connection: Connection,
    name: str,
    *,
    actor: Actor,
    grace_seconds: float = GRACE_SECONDS,
    tenant_id: str | None = None,
) -> Rotation:
    """Replace a key by a new one with the same users and rights. The old one works for the grace time.

    Args:
        connection: with the worker role.
        name: the key's id, its beginning as `list_keys` shows it, or the key itself.
        actor: who rotates it.
        grace_seconds: how long the old key goes on working, from now; 0: not at all.
        tenant_id: the tenant whose keys are looked at; None: all.

    Raises InvalidInput when there is no such key, when it has ended, and when it is replaced already.
    """
    if not 0 <= grace_seconds <= LIFETIME_LIMIT_SECONDS:
        raise InvalidInput("the grace time must be between 0 seconds and ten years")
    text = key_text.make_key()
    with connection.transaction():
        old = _lock(connection, name, tenant_id)
        if old.state != "active":
            raise InvalidInput(f"key {old.prefix} is {old.state} and cannot be rotated: create a new one")
        if successor := connection.execute(_SQL["successor"], {"key_id": old.key_id}).fetchone():
            raise InvalidInput(
                f"key {old.prefix} is replaced by {successor['prefix']} already: rotate that one. If nobody has it, "
                "revoke it first"
            )
        new = _one(connection, "rotate", _key_columns(text) | {"key_id": old.key_id})
        old = _one(connection, "expire", {"key_id": old.key_id, "grace_seconds": grace_seconds})
        _record(connection, actor, "keys.rotate", old, new_key_id=str(new.key_id), grace_seconds=grace_seconds)
    return Rotation(new=NewKey(text=text, row=new), old=old)


def revoke(connection: Connection, name: str, *, actor: Actor, tenant_id: str | None = None) -> tuple[ApiKey, bool]:
    """End a key at once, and return it with whether it was still unrevoked. A key that replaced it is not changed.

    Args: see `rotate`. Raises InvalidInput when there is no such key.
    """
    with connection.transaction():
        found = _lock(connection, name, tenant_id)
        if found.revoked_at is not None:
            return found, False
        revoked = _one(connection, "revoke", {"key_id": found.key_id})
        _record(connection, actor, "keys.revoke", revoked)
    return revoked, True


def _insert(connection: Connection, principal: Principal, columns: dict[str, Any], actor: Actor) -> NewKey:
    text = key_text.make_key()
    with connection.transaction():
        row = _one(connection, "create", api_key.to_columns(principal) | _key_columns(text) | _NOT_GIVEN | columns)
        if row.state == "expired":
            raise InvalidInput(f"the key would end at {row.expires_at}, which is in the past; nothing was created")
        _record(connection, actor, "keys.create", row)
    return NewKey(text=text, row=row)


def _check(
    principal: Principal,
    label: str | None,
    expires_at: datetime | None,
    expires_in_seconds: float | None,
    requests_per_minute: int | None,
) -> None:
    if not principal.rights:
        raise InvalidInput("a key needs a right: read, write or admin")
    if isinstance(principal.users, frozenset):
        if not 1 <= len(principal.users) <= USERS_LIMIT:
            raise InvalidInput(f"a key names 1 to {USERS_LIMIT:,} users; for more, give a prefix of their ids")
        for user_id in principal.users:
            ids.validate_known_id("the user of a key", user_id)
    if label is not None:
        ids.validate_id("the label of a key", label)
        if label == MACHINE_LABEL:
            raise InvalidInput(f"the label {MACHINE_LABEL!r} is that of the key which `afterturn up` makes")
    if expires_at is not None and expires_at.tzinfo is None:
        raise InvalidInput("the end of a key must have a timezone, such as 2027-01-31T12:00:00Z")
    if expires_in_seconds is not None and not 0 < expires_in_seconds <= LIFETIME_LIMIT_SECONDS:
        raise InvalidInput("a key ends within ten years, or never")
    if requests_per_minute is not None and not 1 <= requests_per_minute <= 1_000_000:
        raise InvalidInput("the requests per minute must be between 1 and 1,000,000")


def _key_columns(text: str) -> dict[str, Any]:
    return {"digest": key_text.digest_of(text), "prefix": key_text.find_prefix(text)}


def _lock(connection: Connection, name: str, tenant_id: str | None) -> ApiKey:
    """Return the key with this id or beginning, locked for this transaction. Raises InvalidInput."""
    prefix, key_id = key_text.find_prefix(name), _uuid(name)
    if prefix is None and key_id is None:
        raise InvalidInput("name a key by its id or its beginning (at_ and 8 more characters); `afterturn keys list`")
    rows = connection.execute(_SQL["lock"], {"key_id": key_id, "prefix": prefix}).fetchall()
    digest = key_text.digest_of(name) if key_text.is_key(name) else None
    found = [
        api_key.from_row(row)
        for row in rows
        if tenant_id in (None, row["tenant_id"]) and digest in (None, bytes(row["digest"]))
    ]
    # A part of a key is repeated in the message, never all of it.
    shown = prefix or str(key_id)
    if not found:
        raise InvalidInput(f"there is no key {shown}: `afterturn keys list --all` shows all")
    if len(found) > 1:
        raise InvalidInput(
            f"several keys begin with {shown}: name one by its id: {', '.join(str(k.key_id) for k in found)}"
        )
    return found[0]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _one(connection: Connection, query: str, values: dict[str, Any]) -> ApiKey:
    row = connection.execute(_SQL[query], values).fetchone()
    assert row is not None
    return api_key.from_row(row)


def _record(connection: Connection, actor: Actor, action: str, key: ApiKey, **details: Any) -> None:
    rights = {"rights": sorted(key.principal.rights)}
    access_log.record(
        connection,
        action,
        actor=actor,
        tenant_id=key.principal.tenant_id,
        key_id=key.key_id,
        details=rights | details,
    )
