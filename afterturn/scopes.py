"""Scopes: the ids that say whose memory a call reads or writes. Every key, row and query carries them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, order=True)
class UserScope:
    """One user of one tenant, who owns a memory."""

    tenant_id: str
    user_id: str

    @property
    def key(self) -> dict[str, Any]:
        """The primary key of the user's row, as query arguments."""
        return {"tenant_id": self.tenant_id, "user_id": self.user_id}


@dataclass(frozen=True, slots=True, order=True)
class SessionScope:
    """One conversation of one user."""

    tenant_id: str
    user_id: str
    session_id: str

    @property
    def user(self) -> UserScope:
        return UserScope(self.tenant_id, self.user_id)

    @property
    def key(self) -> dict[str, Any]:
        """The primary key of the session's row, as query arguments."""
        return self.user.key | {"session_id": self.session_id}
