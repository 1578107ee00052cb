"""What Redis holds of one user: found, read for an export, and removed for good."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import redis
from redis.exceptions import ResponseError

from afterturn.errors import TransitionRefused
from afterturn.hot import keys, scripts
from afterturn.scopes import SessionScope, UserScope

#: Pending entries that one script call removes. Larger: fewer round trips, and others wait longer.
ENTRIES_PER_CALL = 1_000
#: Sessions in one round trip.
SESSIONS_PER_CALL = 200
_KEYS_PER_SCAN = 1_000
#: How long Redis is waited for to write what was removed to disk.
SYNC_MILLISECONDS = 1_500

_Rows: TypeAlias = list[tuple[bytes, dict[bytes, bytes]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """Keeps an erasure that woke up late from removing what was written after the user was forgotten."""

    owner_hash: str
    #: Minted by Postgres, larger with every taking of an erasure.
    token: int


def sessions(client: redis.Redis, scope: UserScope) -> set[SessionScope]:
    """Return the user's sessions that have anything in Redis. Reads through all keys, a piece at a time."""
    found = indexed(client, scope)
    for key in client.scan_iter(keys.of_user(scope), count=_KEYS_PER_SCAN):
        found.add(keys.session_of(key.decode().split(":", 3)[3]))
    return {session for session in found if session.user == scope}


def indexed(client: redis.Redis, scope: UserScope) -> set[SessionScope]:
    """Return the user's sessions that are in the due index or claimed."""
    shard = keys.shard_of(scope.tenant_id, scope.user_id)
    return {
        keys.session_of(name.decode())
        for index in (keys.due(shard), keys.claims(shard))
        for name, _ in client.zscan_iter(index, keys.members_of_user(scope), count=_KEYS_PER_SCAN)
    }


def remove(client: redis.Redis, scope: UserScope, sessions: Iterable[SessionScope], fence: Fence) -> Counter[str]:
    """Remove all that these sessions of the user have, and the user's own keys; return how much, by kind of key.

    Raises TransitionRefused when the fence is older than an erasure that is done.
    """
    removed: Counter[str] = Counter()
    remaining = sorted(sessions)
    client.delete(keys.user_lock(scope))
    while remaining:
        chunk, remaining = remaining[:SESSIONS_PER_CALL], remaining[SESSIONS_PER_CALL:]
        for session, (pending, recent, left) in zip(chunk, _remove(client, chunk, fence), strict=True):
            removed.update({"redis.pending": pending, "redis.recent": recent})
            if left:
                remaining.append(session)
    return removed


def _remove(client: redis.Redis, chunk: list[SessionScope], fence: Fence) -> list[tuple[int, int, int]]:
    scripts.FORGET.load(client)
    with client.pipeline(transaction=False) as pipeline:
        for session in chunk:
            shard = keys.shard_of(session.tenant_id, session.user_id)
            touched = (
                keys.pending(session),
                keys.recent(session),
                keys.due(shard),
                keys.claims(shard),
                keys.pending_bytes(shard),
                keys.erased(session.user, fence.owner_hash),
                keys.hidden(session.user),
            )
            scripts.FORGET.queue(pipeline, touched, keys.member(session), fence.token, ENTRIES_PER_CALL)
        try:
            return [(pending, recent, left) for pending, recent, left in pipeline.execute()]
        except ResponseError as error:
            if "ERASED" not in str(error):
                raise
            raise TransitionRefused("the user was forgotten by somebody else meanwhile") from error


def close(client: redis.Redis, scope: UserScope, fence: Fence) -> None:
    """Let no older erasure remove anything any more, and have what was removed written to disk where Redis can say so.

    Without it (before Redis 7.2) a crash of the machine within a second could bring removed turns back.
    """
    client.set(keys.erased(scope, fence.owner_hash), fence.token, ex=keys.ERASED_SECONDS)
    try:
        client.execute_command("WAITAOF", 1, 0, SYNC_MILLISECONDS)  # type: ignore[no-untyped-call]
    except (ResponseError, redis.TimeoutError):
        return


def records(client: redis.Redis, scope: UserScope) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what Redis holds of the user: the kind of key, and what is in it, as JSON has it."""
    shard = keys.shard_of(scope.tenant_id, scope.user_id)
    for session in sorted(sessions(client, scope)):
        named = {"session_id": session.session_id}
        for stream_id, fields in _pending(client, session):
            yield "pending", named | {"stream_id": stream_id.decode(), "entry": _json(fields[b"d"])}
        for payload in cast(list[bytes], client.lrange(keys.recent(session), 0, -1)):
            yield "recent", named | {"entry": _json(payload)}
        for kind, index in (("due", keys.due(shard)), ("claim", keys.claims(shard))):
            milliseconds = client.zscore(index, keys.member(session))
            if milliseconds is not None:
                yield kind, named | {"milliseconds": milliseconds}
    for name in sorted(cast(list[bytes], client.hkeys(keys.hidden(scope)))):
        session_id, turn_id = keys.hidden_turn(name.decode())
        yield "hidden", {"session_id": session_id, "turn_id": turn_id}


def _pending(client: redis.Redis, session: SessionScope) -> Iterator[tuple[bytes, dict[bytes, bytes]]]:
    after = "-"
    while rows := cast(_Rows, client.xrange(keys.pending(session), min=after, count=ENTRIES_PER_CALL)):
        yield from rows
        after = f"({rows[-1][0].decode()}"


def _json(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except ValueError:
        return payload.decode(errors="replace")
