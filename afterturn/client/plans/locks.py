"""`lock`: take, keep and leave a lock. Its lease is in Redis; its fence comes from Postgres."""

from __future__ import annotations

import time
from urllib.parse import quote

from afterturn import ids
from afterturn.client.effects import Plan, RunScript, Wait, read_rows
from afterturn.client.session import ClientSession
from afterturn.database import queries
from afterturn.database.statement import Statement
from afterturn.errors import InvalidInput, LockBusy, StaleFence, UserMerged
from afterturn.hot import keys, scripts
from afterturn.hot.prepared_call import PreparedCall

_SQL = queries.load("state")

#: The pause between two attempts to take a lock. Longer: a free lock is taken later. Shorter: more calls.
POLL_SECONDS = 0.05
LEASE_SECONDS_LIMIT = 3_600.0


def validate(name: str, lease_seconds: float, wait_seconds: float) -> str:
    """Return the name of a lock. Raises InvalidId or InvalidInput."""
    if not 0.01 <= lease_seconds <= LEASE_SECONDS_LIMIT:
        raise InvalidInput(f"lease_seconds must be 0.01 to {LEASE_SECONDS_LIMIT:.0f}")
    if not 0 <= wait_seconds <= 86_400:
        raise InvalidInput("wait_seconds must be 0 to 86400")
    return ids.validate_id("name", name)


def take(session: ClientSession, name: str, *, lease_seconds: float, wait_seconds: float) -> Plan[int]:
    """Take a lock and return its fence. Raises LockBusy after `wait_seconds`, UserMerged or MemoryUnavailable."""
    deadline = time.monotonic() + wait_seconds
    while True:
        if (yield from _call(session, "look", name)):
            # Minted right before: a fence that was minted earlier may be smaller than the one of a later holder.
            [row] = yield from read_rows(session.scope.user, Statement(_SQL["mint_fence"], session.scope.user.key))
            if row["is_merged"]:
                raise UserMerged
            fence = int(row["fence"])
            if (yield from _call(session, "take", name, fence=fence, lease_seconds=lease_seconds)):
                return fence
        if time.monotonic() >= deadline:
            raise LockBusy
        yield from Wait(POLL_SECONDS)


def keep(session: ClientSession, name: str, *, fence: int, lease_seconds: float) -> Plan[None]:
    """Begin the lease of a lock anew. Raises StaleFence if the lock is lost."""
    if not (yield from _call(session, "keep", name, fence=fence, lease_seconds=lease_seconds)):
        raise StaleFence


def leave(session: ClientSession, name: str, *, fence: int) -> Plan[bool]:
    """Leave a lock. Returns False if it was lost before."""
    return bool((yield from _call(session, "leave", name, fence=fence)))


def _call(session: ClientSession, action: str, name: str, *, fence: int = 0, lease_seconds: float = 0.0) -> Plan[int]:
    call = PreparedCall(scripts.STATE_LOCK, (keys.locks(session.scope.user),), action, quote(name, safe=""))
    arguments = (b"%d" % fence, b"%d" % round(lease_seconds * 1000), b"%d" % (keys.LOCK_SECONDS * 1000))
    return int((yield from RunScript(call, arguments)))
