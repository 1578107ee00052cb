"""Callers: a principal, and the credential that named it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from afterturn.principal import Principal

#: key: a key of the database; token: a JWT; owner: AFTERTURN_API_KEY; system: a user of the operating system; open: no
#: credential was needed.
CallerKind = Literal["key", "token", "owner", "system", "open"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls, as rate limits and the access log name it."""

    principal: Principal
    kind: CallerKind
    #: The key's id, the token's user or subject, the name of the system's user; None for the kinds owner and open.
    name: str | None = None
    #: The limit of this caller; None: AFTERTURN_API_REQUESTS_PER_MINUTE.
    requests_per_minute: int | None = None
