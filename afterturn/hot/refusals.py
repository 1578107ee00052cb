"""Classify the errors of a Redis that answers but refuses, and explain each with its fix."""

from __future__ import annotations

from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ClusterDownError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)

#: Text of the error -> explanation, in the order of the comparison.
_MEANINGS: tuple[tuple[type[RedisError], str, str], ...] = (
    (ReadOnlyError, "", "is a replica, which cannot be written to (a failover?)"),
    (OutOfMemoryError, "", "is at its maxmemory: check that the workers run, or raise maxmemory"),
    (BusyLoadingError, "", "is loading its data"),
    (AuthenticationError, "", "refuses the password"),
    (NoPermissionError, "", "refuses the command to this user: its ACL must allow all commands on at:*"),
    (ClusterDownError, "", "says that its cluster is down"),
    (ResponseError, "MISCONF", "cannot write its snapshot to the disk, and refuses writes: its log says why"),
    (ResponseError, "NOREPLICAS", "has fewer replicas than min-replicas-to-write"),
    (ResponseError, "UNBLOCKED", "has become a replica (a failover?)"),
    (RedisError, "max number of clients", "has reached its maxclients"),
)


def explain(error: RedisError) -> str | None:
    """Return what a refusal means, as the rest of a sentence about the server; None for any other error."""
    for kind, text, meaning in _MEANINGS:
        if isinstance(error, kind) and text in str(error):
            return meaning
    return None


def names_another_server(error: RedisError) -> bool:
    """Return whether the server is not the master: after a failover its name may resolve to another server."""
    is_other = isinstance(error, ReadOnlyError | ClusterDownError | NoPermissionError)
    return is_other or str(error).startswith("UNBLOCKED")
