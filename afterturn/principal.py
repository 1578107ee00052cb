"""The principal: who calls, and what they may do. Every door turns a credential into one and checks it first."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from enum import StrEnum

from afterturn import ids
from afterturn.errors import Forbidden, InvalidInput


class Right(StrEnum):
    """What a principal may do with the memory of the users that it may touch. None includes another."""

    #: History, recall, context, facts, summaries, costs.
    READ = "read"
    #: Turns, removals, edits of facts, flushes.
    WRITE = "write"
    #: Operate: forget and export users, replay dead letters.
    ADMIN = "admin"


ALL_RIGHTS = frozenset(Right)


@dataclass(frozen=True, slots=True)
class EveryUser:
    """All users of the tenant."""

    def __contains__(self, user_id: object) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class UserPrefix:
    """The users whose ids begin so."""

    text: str

    def __post_init__(self) -> None:
        ids.validate_id("the prefix of user ids", self.text)

    def __contains__(self, user_id: object) -> bool:
        return isinstance(user_id, str) and user_id.startswith(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who calls. Raises InvalidInput when a part does not have the required form."""

    tenant_id: str
    #: Whose memory it may touch: all users, those with a prefix, or the users of a set.
    users: EveryUser | UserPrefix | frozenset[str]
    rights: frozenset[Right]

    def __post_init__(self) -> None:
        ids.validate_id("tenant_id", self.tenant_id)
        # A string holds its own parts: as a set of users, "ana" would allow "an".
        if not isinstance(self.users, EveryUser | UserPrefix | frozenset):
            raise InvalidInput("users must be EveryUser(), a UserPrefix or a frozenset of ids")
        if not isinstance(self.rights, frozenset) or not self.rights <= ALL_RIGHTS:
            raise InvalidInput(f"rights must be a frozenset of {', '.join(ALL_RIGHTS)}")

    def check(self, right: Right, user_id: str) -> None:
        """Raise Forbidden unless the principal may do this with this user's memory.

        Whether the user exists plays no part and is not said.
        """
        users: Container[str] = self.users
        if right not in self.rights:
            raise Forbidden(f"the credential has not the right to {right}")
        if user_id not in users:
            raise Forbidden("the credential is not for this user")
