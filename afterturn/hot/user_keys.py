"""The store of users' data in Redis: its keys are exported, deleted and scrubbed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import redis
from redis.exceptions import ResponseError

from afterturn.errors import TransitionRefused
from afterturn.hot import append_only_file, keys, scripts, state_documents
from afterturn.scopes import SessionScope, UserScope
from afterturn.user_store import Erasure, Record, ScrubStep, UserStore

if TYPE_CHECKING:
    import psycopg
    from psycopg.rows import DictRow

#: Pending entries that one script call removes. Larger: fewer round trips, but other clients wait longer.
ENTRIES_PER_CALL = 1_000
#: Sessions in one round trip.
SESSIONS_PER_CALL = 200
_KEYS_PER_SCAN = 1_000
#: The longest wait until Redis has written the removal to disk.
SYNC_MILLISECONDS = 1_500

_Rows: TypeAlias = list[tuple[bytes, dict[bytes, bytes]]]


class UserKeys(UserStore):
    """The data of users in Redis."""

    name = "redis"
    remains: Mapping[str, str] = {
        "Redis, append-only file": "until Redis rewrites it, or `afterturn scrub` is run",
    }

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def records(self, user: UserScope) -> Iterator[Record]:
        """Yield the user's data in Redis, session by session, each by kind of key."""
        for session in sorted(self.sessions(user)):
            for kind, row in _session_rows(self._client, session):
                yield _record(kind, {"session_id": session.session_id} | row)
        for name in sorted(cast(list[bytes], self._client.hkeys(keys.hidden(user)))):
            session_id, turn_id = keys.hidden_turn(name.decode())
            yield _record("hidden", {"session_id": session_id, "turn_id": turn_id})
        for value in cast(dict[bytes, bytes], self._client.hgetall(keys.shown(user))).values():
            yield _record("shown", {"entry": _json(value.partition(b" ")[2])})
        for kind, row in state_documents.records(self._client, user):
            yield _record(kind, row)

    def sessions(self, user: UserScope) -> set[SessionScope]:
        """Return the user's sessions that have keys in Redis. It scans all keys, in pages."""
        found = list_indexed_sessions(self._client, user)
        for key in self._client.scan_iter(keys.of_user(user), count=_KEYS_PER_SCAN):
            found.add(keys.session_of(key.decode().split(":", 3)[3]))
        return {session for session in found if session.user == user}

    def clear(self, erasure: Erasure) -> Counter[str]:
        """Remove the keys of the erasure's sessions. From then on recall does not find them."""
        return _remove(self._client, erasure, erasure.sessions)

    def complete(self, erasure: Erasure, connection: psycopg.Connection[DictRow]) -> Counter[str]:
        """Remove the data written since `clear`, and keep older erasures from removing anything later.

        An archive that committed just before the user's row was locked may have added recent turns again.
        """
        removed = _remove(self._client, erasure, erasure.sessions | list_indexed_sessions(self._client, erasure.user))
        _close(self._client, erasure)
        return removed

    def scrub(self, *, rewrite: bool) -> Iterator[ScrubStep]:
        """Make Redis rewrite its append-only file; `rewrite` makes no difference."""
        yield append_only_file.rewrite(self._client)


def _record(kind: str, row: dict[str, Any]) -> Record:
    return Record(kind=f"redis.{kind}", values={"key": kind, "row": row})


def _session_rows(client: redis.Redis, session: SessionScope) -> Iterator[tuple[str, dict[str, Any]]]:
    shard = keys.shard_of(session.tenant_id, session.user_id)
    for stream_id, fields in _pending(client, session):
        yield "pending", {"stream_id": stream_id.decode(), "entry": _json(fields[b"d"])}
    for payload in cast(list[bytes], client.lrange(keys.recent(session), 0, -1)):
        yield "recent", {"entry": _json(payload)}
    if state := cast(dict[bytes, bytes], client.hgetall(keys.items(session))):
        yield "items", {name.decode(): value.decode() for name, value in state.items()}
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


def list_indexed_sessions(client: redis.Redis, user: UserScope) -> set[SessionScope]:
    """Return the user's sessions in the due index or the claims."""
    shard = keys.shard_of(user.tenant_id, user.user_id)
    return {
        keys.session_of(name.decode())
        for index in (keys.due(shard), keys.claims(shard))
        for name, _ in client.zscan_iter(index, keys.members_of_user(user), count=_KEYS_PER_SCAN)
    }


def _remove(client: redis.Redis, erasure: Erasure, sessions: frozenset[SessionScope]) -> Counter[str]:
    """Remove the keys of these sessions and of the user, and return the counts by kind of key.

    Raises TransitionRefused when a newer erasure is already completed.
    """
    removed: Counter[str] = Counter()
    remaining = sorted(sessions)
    client.delete(keys.user_lock(erasure.user), keys.shown(erasure.user))
    removed["redis.state"] += _remove_state(client, erasure)
    while remaining:
        chunk, remaining = remaining[:SESSIONS_PER_CALL], remaining[SESSIONS_PER_CALL:]
        for session, (pending, recent, left) in zip(chunk, _remove_chunk(client, erasure, chunk), strict=True):
            removed.update({"redis.pending": pending, "redis.recent": recent})
            if left:
                remaining.append(session)
    return removed


def _remove_state(client: redis.Redis, erasure: Erasure) -> int:
    try:
        return state_documents.forget(client, erasure)
    except ResponseError as error:
        raise _explain(error) from error


def _explain(error: ResponseError) -> Exception:
    """Return TransitionRefused if a newer erasure is already completed, else the error."""
    if "ERASED" not in str(error):
        return error
    return TransitionRefused("another process has forgotten the user meanwhile")


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
                keys.known_ids(session),
                keys.items(session),
            )
            scripts.FORGET.queue(pipeline, touched, keys.member(session), erasure.token, ENTRIES_PER_CALL)
        try:
            return [(pending, recent, left) for pending, recent, left in pipeline.execute()]
        except ResponseError as error:
            raise _explain(error) from error


def _close(client: redis.Redis, erasure: Erasure) -> None:
    """Store the erasure's token, and wait until the removal is on Redis's disk (Redis 7.2 or later).

    Without that wait, a crash of the machine within a second could restore removed turns.
    """
    client.set(keys.erased(erasure.user, erasure.owner_hash), erasure.token, ex=keys.ERASED_SECONDS)
    try:
        client.execute_command("WAITAOF", 1, 0, SYNC_MILLISECONDS)  # type: ignore[no-untyped-call]
    except (ResponseError, redis.TimeoutError):
        return
