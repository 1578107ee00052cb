"""Principals: who calls, and what the caller may do. Every door converts a credential to a principal and checks it."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from enum import StrEnum

from afterturn import ids
from afterturn.errors import Forbidden, InvalidInput


class Right(StrEnum):
    """What a principal may do with the memory of its users. No right includes another one."""

    #: Read history, recalled memories, contexts, facts, summaries and costs.
    READ = "read"
    #: Write and remove turns, edit facts, flush.
    WRITE = "write"
    #: Forget and export users, replay dead letters.
    ADMIN = "admin"


ALL_RIGHTS = frozenset(Right)


@dataclass(frozen=True, slots=True)
class EveryUser:
    """All users of the tenant."""

    def __contains__(self, user_id: object) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class UserPrefix:
    """The users whose ids begin with this text."""

    text: str

    def __post_init__(self) -> None:
        ids.validate_id("the prefix of user ids", self.text)

    def __contains__(self, user_id: object) -> bool:
        return isinstance(user_id, str) and user_id.startswith(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A caller: its tenant, its users and its rights. Raises InvalidInput if a field is invalid."""

    tenant_id: str
    #: The users whose memory it may access: all, those whose ids have a prefix, or those in a set.
    users: EveryUser | UserPrefix | frozenset[str]
    rights: frozenset[Right]

    def __post_init__(self) -> None:
        ids.validate_id("tenant_id", self.tenant_id)
        # `"an" in "ana"` is true: a string instead of a set would allow other users.
        if not isinstance(self.users, EveryUser | UserPrefix | frozenset):
            raise InvalidInput("users must be EveryUser(), a UserPrefix or a frozenset of ids")
        if not isinstance(self.rights, frozenset) or not self.rights <= ALL_RIGHTS:
            raise InvalidInput(f"rights must be a frozenset of {', '.join(ALL_RIGHTS)}")

    def check(self, right: Right, user_id: str) -> None:
        """Raise Forbidden if the principal does not have this right for this user's memory.

        The result does not depend on whether the user exists, so the error does not reveal it.
        """
        users: Container[str] = self.users
        if right not in self.rights:
            raise Forbidden(f"the credential does not have the right to {right}")
        # Whoever may choose an own user name must not choose the memory of a session.
        if user_id not in users or (not isinstance(users, EveryUser) and ids.is_session_memory(user_id)):
            raise Forbidden("the credential does not give access to this user")
