"""Pending and recent turns, as the workers and the readers see them. The hot path's write: `afterturn.client`."""

from __future__ import annotations

import logging
import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

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

#: A claim on a session with only unreadable entries lasts longer, by a random time up to this one. Without it the same
#: worker might get the session every time, because the broker gives sweeps and archives to the workers in turn.
CLAIM_SPREAD_MILLISECONDS = 2_000

#: Rows of XRANGE: the stream id and the fields of each entry.
Rows: TypeAlias = Sequence[tuple[bytes, Mapping[bytes, bytes]]]


def claim_due(client: redis.Redis, *, claim_seconds: float, limit_per_shard: int) -> list[SessionScope]:
    """Claim the sessions that have pending turns and that nobody archives. One pipelined round trip for all shards."""
    scripts.CLAIM_DUE.load(client)
    with client.pipeline(transaction=False) as pipeline:
        for shard in range(keys.SHARD_COUNT):
            touched = (keys.due(shard), keys.claims(shard))
            scripts.CLAIM_DUE.queue(pipeline, touched, int(claim_seconds * 1000), limit_per_shard)
        members = [member for names in pipeline.execute() for member in names]
    return [keys.session_of(member.decode()) for member in members]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The entries that an archive has read from the pending streams of some sessions. They are still in the streams."""

    #: The oldest entries of each session, in order.
    entries: dict[SessionScope, list[Entry]]
    #: The number of entries that this release cannot read. Newer workers archive them.
    unreadable: dict[SessionScope, int]


def read(client: redis.Redis, sessions: Sequence[SessionScope], *, limit: int) -> Taken:
    """Return about `limit` of the oldest readable entries of each session, or all if there are fewer.

    It skips all unreadable entries and logs the id of the first one. None is dropped, and none blocks those after it.
    """
    taken = Taken(entries={scope: [] for scope in sessions}, unreadable=dict.fromkeys(sessions, 0))
    after = dict.fromkeys(sessions, "-")
    while after:
        with client.pipeline(transaction=False) as pipeline:
            for scope, first in after.items():
                pipeline.xrange(keys.pending(scope), min=first, count=limit)
            pages: list[Rows] = pipeline.execute()
        for scope, rows in zip(list(after), pages, strict=True):
            _take(taken, scope, rows)
            if len(rows) < limit or len(taken.entries[scope]) >= limit:
                del after[scope]
            else:
                after[scope] = f"({rows[-1][0].decode()}"
    return taken


def _take(taken: Taken, scope: SessionScope, rows: Rows) -> None:
    refused: list[str] = []
    for stream_id, fields in rows:
        try:
            taken.entries[scope].append(entries.decode(stream_id, fields))
        except InvalidInput as error:
            refused.append(f"{stream_id.decode()}: {error}")
    if refused:
        taken.unreadable[scope] += len(refused)
        logger.error("%d pending entries of %s stay where they are; the first, %s", len(refused), scope, refused[0])


def remove(
    client: redis.Redis,
    taken: Taken,
    taken_back: Mapping[SessionScope, Collection[str]] | None = None,
    repeated: Mapping[SessionScope, Collection[str]] | None = None,
    *,
    keep_recent: int,
    recent_seconds: int,
) -> None:
    """Remove exactly the entries that were read, and that Postgres has committed, from their streams; end the claims.

    If only unreadable entries remain, the claim is not ended but lapses: otherwise each sweep would claim them again.

    `taken_back` are the turns, of those named by the entries, that Postgres says are removed: none stays recent.
    `repeated` are the stream ids of entries whose turn was archived from another entry: none becomes recent again.
    """
    scripts.ARCHIVED.load(client)
    with client.pipeline(transaction=False) as pipeline:
        for scope, done in taken.entries.items():
            shard = keys.shard_of(scope.tenant_id, scope.user_id)
            touched = (
                keys.pending(scope),
                keys.due(shard),
                keys.claims(shard),
                keys.pending_bytes(shard),
                keys.recent(scope),
                keys.hidden(scope.user),
                keys.known_ids(scope),
            )
            arguments: list[str | int] = [keys.member(scope), keep_recent, recent_seconds, taken.unreadable[scope]]
            arguments += [random.randrange(CLAIM_SPREAD_MILLISECONDS)]
            arguments += _archived_arguments(
                scope, done, (taken_back or {}).get(scope, ()), (repeated or {}).get(scope, ())
            )
            scripts.ARCHIVED.queue(pipeline, touched, *arguments)
        pipeline.execute()


def _archived_arguments(
    scope: SessionScope, done: Sequence[Entry], taken_back: Collection[str], repeated: Collection[str]
) -> list[str | int]:
    """Return the arguments of the script: the turns that are taken back, and for each entry what happens to it."""
    arguments: list[str | int] = [len(taken_back), *taken_back]
    for entry in done:
        fate = "gone" if entry.stream_id in repeated else _fate(scope, entry, taken_back)
        arguments += [entry.stream_id, entry.entry_id, fate]
    return arguments


def _fate(scope: SessionScope, entry: Entry, taken_back: Collection[str]) -> str:
    """Return what happens to an archived entry in Redis: only turns of the conversation stay recent."""
    if entry.target_turn_id is not None:
        return keys.hidden_field(scope.session_id, entry.target_turn_id)
    is_said = entry.turn is not None and entry.turn.role != "edit" and not entry.turn.is_imported
    return "recent" if is_said and entry.entry_id not in taken_back else "gone"


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


def newest(session_id: str, rows: Rows, recent: Sequence[bytes], hidden: Collection[bytes]) -> Hot:
    """Unite a session's recent payloads with the rows of its pending stream, by turn id, oldest first.

    Entries of a newer release are skipped. Postgres has them once workers of that release have archived them.

    Args:
        session_id: the session.
        rows: of XRANGE or XREVRANGE on the pending stream, oldest first.
        recent: of LRANGE on the recent list.
        hidden: of HKEYS on the user's hidden turns.
    """
    taken_back = frozenset(keys.hidden_turn(name.decode()) for name in hidden)
    archived: dict[str, Turn] = {}
    for turn in _readable_turns(recent):
        if (session_id, turn.turn_id) not in taken_back:
            archived.setdefault(turn.turn_id, turn)
    waiting: dict[str, Turn] = {}
    for turn in pending_turns(rows):
        if turn.turn_id not in archived and (session_id, turn.turn_id) not in taken_back:
            waiting.setdefault(turn.turn_id, turn)
    return Hot(turns=[*archived.values(), *waiting.values()], waiting=len(waiting), hidden=taken_back)


def rows_with_given_ids(rows: Rows) -> list[tuple[str, bytes]]:
    """Return the turn id and the stream id of each row whose turn has an id that its caller chose."""
    return [(fields[b"i"].decode(), stream_id) for stream_id, fields in rows if turns.has_given_id(fields[b"d"])]


def written_ms(stream_id: bytes) -> int:
    """Return the time, by Redis's clock, at which Redis acknowledged the entry, in Unix milliseconds."""
    return int(stream_id.partition(b"-")[0])


def _readable_turns(payloads: Sequence[bytes]) -> Iterator[Turn]:
    for payload in payloads:
        with suppress(InvalidInput):
            yield turns.decode(payload)


def pending_turns(rows: Rows) -> Iterator[Turn]:
    """Yield the turns in rows of a pending stream. Other entries, and those of a newer release, are skipped."""
    for stream_id, fields in rows:
        with suppress(InvalidInput):
            turn = entries.decode(stream_id, fields).turn
            if turn is not None:
                yield turn
