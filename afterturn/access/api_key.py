"""A key as the database has it: its owner, its rights, and whether it can be used."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from afterturn.principal import EveryUser, Principal, Right, UserPrefix

KeyState = Literal["active", "expired", "revoked"]
Users = EveryUser | UserPrefix | frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """One key, without the key itself."""

    key_id: UUID
    #: The beginning of the key.
    prefix: str
    #: What its creator calls it.
    label: str | None
    principal: Principal
    #: Its own limit; None: AFTERTURN_API_REQUESTS_PER_MINUTE.
    requests_per_minute: int | None
    #: When this was read, by the clock of the database, like all times here.
    read_at: datetime
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    #: Written at most once a minute.
    last_used_at: datetime | None
    #: The key that this one replaces.
    rotated_from: UUID | None

    @property
    def state(self) -> KeyState:
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= self.read_at else "active"


def can_be_used(row: dict[str, Any], digest: bytes) -> bool:
    """Return whether a row that `find_api_key` returned is a key that works now."""
    # The index has compared the digests already, in a time that depends on them. A caller cannot choose a digest, so
    # that reveals nothing about a key; this comparison does not rely on it.
    is_same = hmac.compare_digest(bytes(row["digest"]), digest)
    seconds: float | None = row["expires_in_seconds"]
    return is_same and not row["is_revoked"] and (seconds is None or seconds > 0)


def from_row(row: dict[str, Any]) -> ApiKey:
    """Return the key of a row of `api_keys`."""
    fields = {name: row[name] for name in ApiKey.__dataclass_fields__ if name != "principal"}
    return ApiKey(principal=principal_of(row), **fields)


def principal_of(row: dict[str, Any]) -> Principal:
    """Return the principal of a row with the columns tenant_id, audience, users and rights."""
    return Principal(
        tenant_id=row["tenant_id"],
        users=_users_of(row["audience"], row["users"]),
        rights=frozenset(Right(name) for name in row["rights"]),
    )


def to_columns(principal: Principal) -> dict[str, Any]:
    """Return the columns of a principal: the inverse of `principal_of`."""
    users: list[str] = []
    match principal.users:
        case EveryUser():
            audience = "every_user"
        case UserPrefix(text):
            audience, users = "user_prefix", [text]
        case named:
            audience, users = "users", sorted(named)
    return {
        "tenant_id": principal.tenant_id,
        "audience": audience,
        "users": users,
        "rights": sorted(principal.rights),
    }


def _users_of(audience: str, users: list[str]) -> Users:
    match audience:
        case "every_user":
            return EveryUser()
        case "user_prefix":
            return UserPrefix(users[0])
        case _:
            return frozenset(users)
