"""Pending and recent turns, as the workers and the readers see them. The hot path's write: `afterturn.client`."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import redis

from afterturn import turns
from afterturn.errors import InvalidInput
from afterturn.hot import entries, keys, scripts
from afterturn.hot.entries import Entry
from afterturn.scopes import SessionScope
from afterturn.turns import Turn

logger = logging.getLogger(__name__)

#: Part of the pending limit at which clients warn, and `afterturn status` does.
ALARM_FRACTION = 0.5


def claim_due(client: redis.Redis, *, claim_seconds: float, limit_per_shard: int) -> list[SessionScope]:
    """Claim the sessions that have pending turns and that nobody archives. One pipelined round trip for all shards."""
    scripts.CLAIM_DUE.load(client)
    with client.pipeline(transaction=False) as pipeline:
        for shard in range(keys.SHARD_COUNT):
            touched = (keys.due(shard), keys.claims(shard))
            scripts.CLAIM_DUE.queue(pipeline, touched, int(claim_seconds * 1000), limit_per_shard)
        members = [member for names in pipeline.execute() for member in names]
    return [keys.session_of(member.decode()) for member in members]


def read(client: redis.Redis, sessions: Sequence[SessionScope], *, limit: int) -> dict[SessionScope, list[Entry]]:
    """Return up to `limit` of the oldest pending entries of each session, in order.

    An unreadable entry stays in its stream and is logged by its ids: nothing is dropped, the others go on.
    """
    with client.pipeline(transaction=False) as pipeline:
        for scope in sessions:
            pipeline.xrange(keys.pending(scope), count=limit)
        replies = pipeline.execute()
    return {scope: _readable(scope, rows) for scope, rows in zip(sessions, replies, strict=True)}


def _readable(scope: SessionScope, rows: Iterable[tuple[bytes, dict[bytes, bytes]]]) -> list[Entry]:
    readable: list[Entry] = []
    for stream_id, fields in rows:
        try:
            readable.append(entries.decode(stream_id, fields))
        except InvalidInput as error:
            logger.error("pending entry %s of %s is left where it is: %s", stream_id.decode(), scope, error)
    return readable


def remove(
    client: redis.Redis,
    committed: dict[SessionScope, list[Entry]],
    taken_back: Mapping[SessionScope, Collection[str]] | None = None,
    *,
    keep_recent: int,
    recent_seconds: int,
) -> None:
    """Take exactly these entries, which Postgres has committed, out of their streams; end the sessions' claims.

    `taken_back` are the turns, of those named by the entries, that Postgres says are removed: none stays recent.
    """
    scripts.ARCHIVED.load(client)
    with client.pipeline(transaction=False) as pipeline:
        for scope, done in committed.items():
            shard = keys.shard_of(scope.tenant_id, scope.user_id)
            touched = (
                keys.pending(scope),
                keys.due(shard),
                keys.claims(shard),
                keys.pending_bytes(shard),
                keys.recent(scope),
                keys.hidden(scope.user),
            )
            arguments: list[str | int] = [keys.member(scope), keep_recent, recent_seconds]
            arguments += _archived_arguments(scope, done, (taken_back or {}).get(scope, ()))
            scripts.ARCHIVED.queue(pipeline, touched, *arguments)
        pipeline.execute()


def _archived_arguments(scope: SessionScope, done: Sequence[Entry], taken_back: Collection[str]) -> list[str | int]:
    """Return what the script is told: the turns that are taken back, and of each entry what becomes of it."""
    arguments: list[str | int] = [len(taken_back), *taken_back]
    for entry in done:
        is_said = entry.turn is not None and entry.turn.role != "edit" and not entry.turn.is_imported
        fate = "recent" if is_said and entry.entry_id not in taken_back else "gone"
        if entry.target_turn_id is not None:
            fate = keys.hidden_field(scope.session_id, entry.target_turn_id)
        arguments += [entry.stream_id, entry.entry_id, fate]
    return arguments


def reconcile(client: redis.Redis) -> int:
    """Name every session that has pending turns in its due index again; returns how many were missing there."""
    found = 0
    for key in client.scan_iter("at:{*}:pending:*", count=1_000, _type="stream"):
        name = key.decode().split(":pending:", 1)[1]
        scope = keys.session_of(name)
        due = keys.due(keys.shard_of(scope.tenant_id, scope.user_id))
        # Redis's own idea of when the oldest entry was written is its id.
        oldest: Any = client.xrange(key, count=1)
        if oldest:
            score = int(oldest[0][0].split(b"-")[0])
            found += cast(int, client.zadd(due, {name: score}, nx=True))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Hot:
    """What Redis holds of a session, and hides of its user."""

    #: Recent and pending turns, oldest first, without those that were taken back.
    turns: list[Turn]
    #: How many of them are pending.
    waiting: int
    #: (session id, turn id) of the user's turns that were taken back, while Postgres may still show them.
    hidden: frozenset[tuple[str, str]]


def newest(session_id: str, rows: Sequence[Any], recent: Sequence[bytes], hidden: Collection[bytes]) -> Hot:
    """Unite a session's recent payloads with the rows of its pending stream, by turn id, oldest first.

    Args:
        session_id: the session.
        rows: of XRANGE or XREVRANGE on the pending stream, oldest first.
        recent: of LRANGE on the recent list.
        hidden: of HKEYS on the user's hidden turns.
    """
    taken_back = frozenset(keys.hidden_turn(name.decode()) for name in hidden)
    archived: dict[str, Turn] = {}
    for payload in recent:
        turn = turns.decode(payload)
        if (session_id, turn.turn_id) not in taken_back:
            archived.setdefault(turn.turn_id, turn)
    waiting: dict[str, Turn] = {}
    for stream_id, fields in rows:
        entry = entries.decode(stream_id, fields)
        is_shown = entry.entry_id not in archived and (session_id, entry.entry_id) not in taken_back
        if entry.turn is not None and is_shown:
            waiting.setdefault(entry.entry_id, entry.turn)
    return Hot(turns=[*archived.values(), *waiting.values()], waiting=len(waiting), hidden=taken_back)
