"""The keys that Redis has of one user, as a store of users' things: found, exported, removed and scrubbed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import redis
from redis.exceptions import ResponseError

from afterturn.errors import TransitionRefused
from afterturn.hot import append_only_file, keys, scripts
from afterturn.scopes import SessionScope, UserScope
from afterturn.user_store import Erasure, Record, ScrubStep, UserStore

if TYPE_CHECKING:
    import psycopg
    from psycopg.rows import DictRow

#: Pending entries that one script call removes. Larger: fewer round trips, and others wait longer.
ENTRIES_PER_CALL = 1_000
#: Sessions in one round trip.
SESSIONS_PER_CALL = 200
_KEYS_PER_SCAN = 1_000
#: How long Redis is waited for to write what was removed to disk.
SYNC_MILLISECONDS = 1_500

_Rows: TypeAlias = list[tuple[bytes, dict[bytes, bytes]]]


class UserKeys(UserStore):
    """The hot store's part of users' memories."""

    name = "redis"
    remains: Mapping[str, str] = {
        "Redis, append-only file": "until Redis writes it anew, or `afterturn scrub` is run",
    }

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def records(self, user: UserScope) -> Iterator[Record]:
        """Yield what Redis has of the user, by kind of key, session by session."""
        for session in sorted(self.sessions(user)):
            for kind, row in _session_rows(self._client, session):
                yield _record(kind, {"session_id": session.session_id} | row)
        for name in sorted(cast(list[bytes], self._client.hkeys(keys.hidden(user)))):
            session_id, turn_id = keys.hidden_turn(name.decode())
            yield _record("hidden", {"session_id": session_id, "turn_id": turn_id})

    def sessions(self, user: UserScope) -> set[SessionScope]:
        """Return the user's sessions that have anything in Redis. Reads through all keys, a piece at a time."""
        found = _indexed(self._client, user)
        for key in self._client.scan_iter(keys.of_user(user), count=_KEYS_PER_SCAN):
            found.add(keys.session_of(key.decode().split(":", 3)[3]))
        return {session for session in found if session.user == user}

    def clear(self, erasure: Erasure) -> Counter[str]:
        """Remove everything that the erasure's sessions have. From here on nothing of it is recalled."""
        return _remove(self._client, erasure, erasure.sessions)

    def complete(self, erasure: Erasure, connection: psycopg.Connection[DictRow]) -> Counter[str]:
        """Remove what was written since, and let no older erasure remove anything any more.

        An archive that committed just before the user's row was locked may have made turns recent again.
        """
        removed = _remove(self._client, erasure, erasure.sessions | _indexed(self._client, erasure.user))
        _close(self._client, erasure)
        return removed

    def scrub(self, *, rewrite: bool) -> Iterator[ScrubStep]:
        """Have Redis write its append-only file anew; there is no thorougher way."""
        yield append_only_file.rewrite(self._client)


def _record(kind: str, row: dict[str, Any]) -> Record:
    return Record(kind=f"redis.{kind}", values={"key": kind, "row": row})


def _session_rows(client: redis.Redis, session: SessionScope) -> Iterator[tuple[str, dict[str, Any]]]:
    shard = keys.shard_of(session.tenant_id, session.user_id)
    for stream_id, fields in _pending(client, session):
        yield "pending", {"stream_id": stream_id.decode(), "entry": _json(fields[b"d"])}
    for payload in cast(list[bytes], client.lrange(keys.recent(session), 0, -1)):
        yield "recent", {"entry": _json(payload)}
    for kind, index in (("due", keys.due(shard)), ("claim", keys.claims(shard))):
        milliseconds = client.zscore(index, keys.member(session))
        if milliseconds is not None:
            yield kind, {"milliseconds": milliseconds}


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


def _indexed(client: redis.Redis, user: UserScope) -> set[SessionScope]:
    """Return the user's sessions that are in the due index or claimed."""
    shard = keys.shard_of(user.tenant_id, user.user_id)
    return {
        keys.session_of(name.decode())
        for index in (keys.due(shard), keys.claims(shard))
        for name, _ in client.zscan_iter(index, keys.members_of_user(user), count=_KEYS_PER_SCAN)
    }


def _remove(client: redis.Redis, erasure: Erasure, sessions: frozenset[SessionScope]) -> Counter[str]:
    """Remove all that these sessions have, and the user's own keys; return how much, by kind of key.

    Raises TransitionRefused when the erasure is older than one that is done.
    """
    removed: Counter[str] = Counter()
    remaining = sorted(sessions)
    client.delete(keys.user_lock(erasure.user))
    while remaining:
        chunk, remaining = remaining[:SESSIONS_PER_CALL], remaining[SESSIONS_PER_CALL:]
        for session, (pending, recent, left) in zip(chunk, _remove_chunk(client, erasure, chunk), strict=True):
            removed.update({"redis.pending": pending, "redis.recent": recent})
            if left:
                remaining.append(session)
    return removed


def _remove_chunk(client: redis.Redis, erasure: Erasure, chunk: list[SessionScope]) -> list[tuple[int, int, int]]:
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
                keys.erased(session.user, erasure.owner_hash),
                keys.hidden(session.user),
            )
            scripts.FORGET.queue(pipeline, touched, keys.member(session), erasure.token, ENTRIES_PER_CALL)
        try:
            return [(pending, recent, left) for pending, recent, left in pipeline.execute()]
        except ResponseError as error:
            if "ERASED" not in str(error):
                raise
            raise TransitionRefused("the user was forgotten by another process meanwhile") from error


def _close(client: redis.Redis, erasure: Erasure) -> None:
    """Note the erasure's token, and wait until Redis has written what was removed to disk, where it can say so.

    Without that (before Redis 7.2) a crash of the machine within a second could bring removed turns back.
    """
    client.set(keys.erased(erasure.user, erasure.owner_hash), erasure.token, ex=keys.ERASED_SECONDS)
    try:
        client.execute_command("WAITAOF", 1, 0, SYNC_MILLISECONDS)  # type: ignore[no-untyped-call]
    except (ResponseError, redis.TimeoutError):
        return
