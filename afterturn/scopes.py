"""Whose memory a call is about. Every key, row and query carries these ids."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class UserScope:
    """One user of one tenant: the owner of a memory."""

    tenant_id: str
    user_id: str


@dataclass(frozen=True, slots=True, order=True)
class SessionScope:
    """One conversation of one user."""

    tenant_id: str
    user_id: str
    session_id: str

    @property
    def user(self) -> UserScope:
        return UserScope(self.tenant_id, self.user_id)
