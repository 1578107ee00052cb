"""Claim, read and remove pending entries, and merge pending with recent turns. `afterturn.client` writes them."""

from __future__ import annotations

import itertools
import logging
import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias, cast

import redis

from afterturn import turns
from afterturn.errors import InvalidInput
from afterturn.hot import entries, keys, scripts
from afterturn.hot.entries import Entry, Mark
from afterturn.scopes import SessionScope
from afterturn.turns import Turn

logger = logging.getLogger(__name__)

#: The fraction of the limit of pending bytes from which the client and `afterturn status` warn.
WARNING_FRACTION = 0.5

#: A claim on a session with only unreadable entries lasts longer, by a random time up to this one. Without it the same
#: worker might get the session every time, because the broker gives sweeps and archives to the workers in turn.
CLAIM_SPREAD_MILLISECONDS = 2_000

#: Larger than any number of pending bytes.
_NO_LIMIT = 2**53

#: Rows of XRANGE: the stream id and the fields of each entry.
Rows: TypeAlias = Sequence[tuple[bytes, Mapping[bytes, bytes]]]


def claim_due(client: redis.Redis, *, claim_seconds: float, grace_seconds: float, limit: int) -> list[SessionScope]:
    """Claim sessions that have pending turns and no claim, in three round trips.

    The newest sessions of each shard come first, then those that have waited longest.

    Args:
        client: the hot store.
        claim_seconds: how long a claim lasts, unless the archive of the session ends it.
        grace_seconds: how much longer a claim is kept while its message may still wait in the queue.
        limit: about how many sessions. If it is not 0, at least one of each shard, which may be a few more.
    """
    if limit <= 0:
        return []
    free = _free_sessions(client, grace_seconds)
    shares = share_out(limit, free)
    if not free:
        return []
    scripts.CLAIM_DUE.load(client)
    with client.pipeline(transaction=False) as pipeline:
        for shard in free:
            touched = (keys.due(shard), keys.claims(shard))
            newest = max(1, shares.get(shard, 0) // 2)
            oldest = shares.get(shard, 0) - shares.get(shard, 0) // 2
            scripts.CLAIM_DUE.queue(pipeline, touched, int(claim_seconds * 1000), newest, oldest)
        claimed = pipeline.execute()
    members = [member for place in (0, 1) for shard in claimed for member in shard[place]]
    return [keys.session_of(member.decode()) for member in members]


def _free_sessions(client: redis.Redis, grace_seconds: float) -> dict[int, int]:
    """Remove the lapsed claims, and return how many due sessions of each shard are not claimed."""
    seconds, microseconds = cast(tuple[int, int], client.time())
    lapsed = seconds * 1000 + microseconds // 1000 - int(grace_seconds * 1000)
    with client.pipeline(transaction=False) as pipeline:
        for shard in range(keys.SHARD_COUNT):
            pipeline.zremrangebyscore(keys.claims(shard), "-inf", lapsed)
            pipeline.zcard(keys.due(shard))
            pipeline.zcard(keys.claims(shard))
        replies = pipeline.execute()
    counts = (replies[start + 1] - replies[start + 2] for start in range(0, len(replies), 3))
    return {shard: count for shard, count in enumerate(counts) if count > 0}


def share_out(limit: int, wanted: Mapping[int, int]) -> dict[int, int]:
    """Divide `limit` among the shards: each gets all that it wants, or as much as any other shard gets."""
    shares: dict[int, int] = {}
    for given, (shard, count) in enumerate(sorted(wanted.items(), key=lambda item: item[1])):
        share = min(count, -(-limit // (len(wanted) - given)))
        limit -= share
        if share:
            shares[shard] = share
    return shares


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The entries that an archive task has read from the pending streams of its sessions, without removing them."""

    #: The oldest entries of each session, in order.
    entries: dict[SessionScope, list[Entry]]
    #: The number of entries that this release cannot read. Newer workers archive them.
    unreadable: dict[SessionScope, int]


def read_entries(client: redis.Redis, sessions: Sequence[SessionScope], *, limit: int) -> Taken:
    """Return about `limit` of the oldest readable entries of each session, or all if there are fewer.

    It skips unreadable entries and logs the id of the first one. They stay in the stream and block no other entry.
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
        logger.error("%d pending entries of %s cannot be read and stay; the first: %s", len(refused), scope, refused[0])


def remove_entries(
    client: redis.Redis,
    taken: Taken,
    taken_back: Mapping[SessionScope, Collection[str]] | None = None,
    repeated: Mapping[SessionScope, Collection[str]] | None = None,
    *,
    set_aside: Collection[str] = (),
    keep_recent: int,
    recent_seconds: int,
    recent_limit_bytes: int,
) -> None:
    """Remove the entries that Postgres has committed from their streams, and end the claims.

    If only unreadable entries remain, the claim is not ended but lapses: otherwise each sweep would claim them again.

    Args:
        client: Redis.
        taken: the entries that were read and committed. No other entry is removed.
        taken_back: the turns among them that are removed in Postgres. None of them stays recent.
        repeated: stream ids of entries whose turn was archived from another entry. None of them becomes recent again.
        set_aside: ids of entries that Postgres stores as dead letters. None of them stays recent, and a turn that is to
            be removed stays hidden.
        keep_recent: the number of recent turns of a session to keep.
        recent_seconds: how long to keep them.
        recent_limit_bytes: a turn with a larger payload does not become recent.
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
                keys.items(scope),
            )
            arguments: list[str | int] = [keys.member(scope), keep_recent, recent_seconds, taken.unreadable[scope]]
            arguments += [random.randrange(CLAIM_SPREAD_MILLISECONDS)]
            gone = {*(repeated or {}).get(scope, ()), *_stream_ids(done, set_aside)}
            removed = (taken_back or {}).get(scope, ())
            arguments += [len(removed), *removed]
            for entry in done:
                is_gone = entry.stream_id in gone or entry.entry_id in removed
                fate = "gone" if is_gone else _fate(scope, entry, recent_limit_bytes)
                arguments += [entry.stream_id, entry.entry_id, fate]
            scripts.ARCHIVED.queue(pipeline, touched, *arguments)
        pipeline.execute()


def _stream_ids(entries: Sequence[Entry], entry_ids: Collection[str]) -> list[str]:
    return [entry.stream_id for entry in entries if entry.entry_id in entry_ids]


def _fate(scope: SessionScope, entry: Entry, recent_limit_bytes: int) -> str:
    """Return what happens to an archived entry in Redis. Only turns of the conversation become recent."""
    if entry.target_turn_id is not None:
        return keys.hidden_field(scope.session_id, entry.target_turn_id)
    if entry.kind == Mark.CLEAR:
        return "clear"
    if entry.turn is None or entry.turn.role == "edit":
        return "gone"
    if entry.turn.is_imported:
        return "imported"
    return "recent" if len(entry.payload) <= recent_limit_bytes else "large"


def append(client: redis.Redis, session: SessionScope, entry_id: str, payload: bytes) -> None:
    """Append one entry to a session's pending stream without a check of the limit: it was accepted before."""
    shard = keys.shard_of(session.tenant_id, session.user_id)
    script_keys = (keys.pending(session), keys.due(shard), keys.pending_bytes(shard), keys.known_ids(session))
    scripts.WRITE.run(client, script_keys, keys.member(session), _NO_LIMIT, len(payload), entry_id, payload)


def reconcile(client: redis.Redis) -> int:
    """Add every session with pending turns to its due index, and return how many were missing there."""
    found = 0
    streams = client.scan_iter("at:{*}:pending:*", count=1_000, _type="stream")
    while page := list(itertools.islice(streams, 1_000)):
        missing = _missing_in_due_index(client, page)
        with client.pipeline(transaction=False) as pipeline:
            for key in missing:
                pipeline.xrange(key, count=1)
            oldest: list[Rows] = pipeline.execute()
            for key, rows in zip(missing, oldest, strict=True):
                if rows:
                    # The id of the oldest entry contains the time at which Redis stored it.
                    written_at = int(rows[0][0].split(b"-")[0])
                    pipeline.zadd(_due_index_of(key), {_member_of(key): written_at}, nx=True)
            found += sum(pipeline.execute())
    return found


def _missing_in_due_index(client: redis.Redis, streams: Sequence[bytes]) -> list[bytes]:
    with client.pipeline(transaction=False) as pipeline:
        for key in streams:
            pipeline.zscore(_due_index_of(key), _member_of(key))
        scores: list[float | None] = pipeline.execute()
    return [key for key, score in zip(streams, scores, strict=True) if score is None]


def _member_of(stream: bytes) -> str:
    return stream.decode().split(":pending:", 1)[1]


def _due_index_of(stream: bytes) -> str:
    scope = keys.session_of(_member_of(stream))
    return keys.due(keys.shard_of(scope.tenant_id, scope.user_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class HotTurns:
    """The turns of a session in Redis, and the hidden turns of its user."""

    #: Recent and pending turns, oldest first, without removed ones.
    turns: list[Turn]
    #: The number of pending ones among them.
    waiting: int
    #: (session id, turn id) of the user's removed turns that Postgres may still show.
    hidden: frozenset[tuple[str, str]]
    #: Whether turns were left out because the session was cleared, in Redis and therefore in Postgres too.
    is_cleared: bool = False


def unite_turns(
    session_id: str, rows: Rows, recent: Sequence[bytes], hidden: Collection[bytes], *, since_clear: bool = False
) -> HotTurns:
    """Unite the recent and pending turns of a session by turn id, oldest first.

    Entries of a newer release are skipped. Workers of that release archive them.

    Args:
        session_id: the session.
        rows: the reply to XRANGE or XREVRANGE on the pending stream, oldest first.
        recent: the reply to LRANGE on the recent list.
        hidden: the reply to HKEYS on the user's hidden turns.
        since_clear: leave out the turns before the last pending mark that clears the session.
    """
    cleared_at = last_clear([fields[b"d"] for _, fields in rows]) if since_clear else None
    if cleared_at is not None:
        rows, recent = rows[cleared_at + 1 :], ()
    taken_back = frozenset(keys.hidden_turn(name.decode()) for name in hidden)
    archived: dict[str, Turn] = {}
    for turn in _readable_turns(recent):
        if (session_id, turn.turn_id) not in taken_back:
            archived.setdefault(turn.turn_id, turn)
    waiting: dict[str, Turn] = {}
    for turn in pending_turns(rows):
        if turn.turn_id not in archived and (session_id, turn.turn_id) not in taken_back:
            waiting.setdefault(turn.turn_id, turn)
    return HotTurns(
        turns=[*archived.values(), *waiting.values()],
        waiting=len(waiting),
        hidden=taken_back,
        is_cleared=cleared_at is not None,
    )


def last_clear(payloads: Sequence[bytes]) -> int | None:
    """Return the index of the last mark among these payloads that clears the session, or None."""
    return next((place for place in reversed(range(len(payloads))) if entries.is_clear(payloads[place])), None)


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
