"""`state`: read and write versioned documents.

Redis decides which version follows. A put is acknowledged when Redis has it and, if Postgres answers, Postgres too: an
emptied Redis then costs nothing. If Postgres is away, Redis's acknowledgement counts, as for a turn, and the workers
archive the version later.
"""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

# The driver imports it before its first use of Postgres, which takes long. An event loop would meanwhile let the
# connections to Redis of other tasks time out.
import afterturn.database.pool  # noqa: F401
from afterturn import ids, page_cursors, turns
from afterturn.client.effects import Call, Plan, ReadRedis, RunScript, Wait, read_rows
from afterturn.client.limits import validate_limit
from afterturn.client.session import ClientSession
from afterturn.database import queries
from afterturn.database.statement import Row, Statement
from afterturn.errors import ConcurrencyError, InvalidInput, MemoryUnavailable, StaleFence, UserMerged
from afterturn.hot import entries, keys, scripts
from afterturn.hot.prepared_call import PreparedCall
from afterturn.state import documents
from afterturn.state.documents import DocumentName, StateEntry, Versioned

logger = logging.getLogger("afterturn.client")

_SQL = queries.load("state")

#: How often a document is read from Postgres before a call fails, because Redis is emptied again and again.
_WARM_ATTEMPTS = 5
#: The longest pause of an update after conflicts, and the first one.
_LONGEST_PAUSE_SECONDS = 0.5
_FIRST_PAUSE_SECONDS = 0.005

#: Answers of the scripts.
_COLD, _CONFLICT, _STALE = 0, -1, -2


def get(session: ClientSession, name: DocumentName) -> Plan[Versioned]:
    """Return a document and its version; (None, 0) if there is none. Raises MemoryUnavailable."""
    call = PreparedCall(scripts.STATE_GET, _hash_keys(session), name.field)
    arguments = [ids.new_turn_id().encode(), b"%d" % session.settings.recent_seconds]
    for _ in range(_WARM_ATTEMPTS):
        answer = yield from RunScript(call, arguments)
        if answer[0] != _COLD:
            version = int(answer[1])
            return Versioned(documents.decode(answer[2]) if version else None, version)
        yield from _warm(session, name, answer[1])
    raise MemoryUnavailable("Redis lost the document again while it was read")


def put(
    session: ClientSession,
    name: DocumentName,
    text: str | None,
    *,
    expected: int | None = None,
    ttl_seconds: float | None = None,
    fence: int | None = None,
) -> Plan[int]:
    """Write a document and return its version; without a text, delete it (version 0 if there was none).

    Raises ConcurrencyError, StaleFence, InvalidInput or MemoryUnavailable.
    """
    put_id, ttl = ids.new_turn_id(), documents.validate_ttl(ttl_seconds)
    arguments = _put_arguments(session, name, text, put_id=put_id, expected=expected, ttl_seconds=ttl, fence=fence)
    call = PreparedCall(scripts.STATE_PUT, _put_keys(session, put_id), name.field)
    for _ in range(_WARM_ATTEMPTS):
        answer = yield from RunScript(call, arguments)
        match answer[0]:
            case 0:
                yield from _warm(session, name, answer[1])
            case -1:
                raise ConcurrencyError(f"the document has version {answer[1]}, not {expected}; nothing was stored")
            case -2:
                raise StaleFence
            case _:
                version = int(answer[1])
                if version:
                    stored = {"version": version, "document": text, "put_id": put_id, "ttl_seconds": ttl}
                    stored |= {"fence": int(answer[2]), "epoch": int(answer[3])}
                    yield from _store(session, name, stored)
                return version
    raise MemoryUnavailable("Redis lost the document again while it was written")


def update(
    session: ClientSession,
    name: DocumentName,
    change: Callable[[Any], Any],
    *,
    attempts: int,
    ttl_seconds: float | None = None,
    fence: int | None = None,
) -> Plan[Versioned]:
    """Change a document: `change` gets the value and returns the new one, again after each conflict.

    Raises ConcurrencyError after `attempts` conflicts, and what `change` raises.
    """
    if isinstance(attempts, bool) or not isinstance(attempts, int) or attempts < 1:
        raise InvalidInput("attempts must be a number from 1")
    for attempt in range(attempts):
        value, version = yield from get(session, name)
        text = documents.encode((yield from Call(change, (value,))))
        try:
            new = yield from put(session, name, text, expected=version, ttl_seconds=ttl_seconds, fence=fence)
        except StaleFence:
            raise
        except ConcurrencyError:
            pause = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2 ** min(attempt, 16))
            yield from Wait(random.uniform(0, pause))
        else:
            return Versioned(documents.decode(text), new)
    raise ConcurrencyError(f"somebody else changed the document in each of {attempts} attempts; nothing was stored")


def list_documents(
    session: ClientSession, *, scope: str, prefix: str, limit: int, cursor: str | None
) -> Plan[list[StateEntry]]:
    """Return the documents of one owner by key. Raises InvalidInput or MemoryUnavailable."""
    validate_limit(limit)
    owner_id = documents.find_owner(session.scope, session.agent_id, scope)
    parts = ("state", session.scope.user, scope, owner_id, ids.validate_id("prefix", prefix) if prefix else "")
    place = page_cursors.decode(parts, cursor, size=1)
    after = "" if place is None else place[0]
    # Redis first: a version that is archived meanwhile is found in Postgres.
    hot = yield from _read_hot(session, scope, owner_id)
    hot = {key: row for key, row in hot.items() if key.startswith(prefix) and key > after}
    gone = sum(not row["is_visible"] for row in hot.values())
    arguments = session.scope.user.key | {"scope": scope, "owner_id": owner_id, "prefix": prefix, "after": after}
    rows = yield from read_rows(session.scope.user, Statement(_SQL["list"], arguments | {"limit": limit + gone}))
    found = {str(row["key"]): row for row in rows}
    found |= {key: row for key, row in hot.items() if key not in found or row["version"] >= found[key]["version"]}
    return [
        StateEntry(
            key=key,
            version=row["version"],
            updated_at=row["updated_at"],
            expires_at=row["expires_at"],
            cursor=page_cursors.encode(parts, key),
        )
        for key, row in sorted(found.items())
        if row.get("is_visible", True)
    ][:limit]


def _read_hot(session: ClientSession, scope: str, owner_id: str) -> Plan[dict[str, Row]]:
    """Return what Redis knows of the documents of one owner, by key."""
    known, (seconds, microseconds) = yield from ReadRedis((("HGETALL", keys.state(session.scope.user)), ("TIME",)))
    now_ms = int(seconds) * 1000 + int(microseconds) // 1000
    pairs = known.items() if isinstance(known, dict) else zip(known[::2], known[1::2], strict=True)
    found: dict[str, Row] = {}
    for field, value in pairs:
        if field.startswith(b"#"):
            continue
        name = documents.parse_field(field.decode())
        if (name.scope, name.owner_id) == (scope, owner_id):
            version, is_gone, _, expires, updated, *_ = value.split(b" ")
            expires_ms = int(expires)
            found[name.key] = {
                "version": int(version),
                "updated_at": _time(int(updated)),
                "expires_at": _time(expires_ms) if expires_ms else None,
                "is_visible": is_gone == b"0" and not 0 < expires_ms <= now_ms,
            }
    return found


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds)


def _warm(session: ClientSession, name: DocumentName, token: bytes) -> Plan[None]:
    """Copy a document from Postgres to Redis, unless Redis was emptied since it gave the token.

    Raises UserMerged. So no version of a merged user begins: Redis has none of its documents any more.
    """
    user = session.scope.user
    [row] = yield from read_rows(user, Statement(_SQL["read"], user.key | name.columns))
    if row["is_merged"]:
        raise UserMerged
    is_gone = row["document"] is None or bool(row["is_expired"])
    arguments = [
        token,
        b"%d" % session.settings.recent_seconds,
        b"%d" % documents.HOT_BYTES,
        b"%d" % row["version"],
        b"%d" % is_gone,
        b"%d" % row["fence"],
        b"%d" % (0 if is_gone else row["ttl_ms"] or 0),
        b"%d" % (row["updated_ms"] or 0),
        b"%d" % row["epoch"],
        str(row["put_id"]).encode(),
        b"" if is_gone else str(row["document"]).encode(),
    ]
    yield from RunScript(PreparedCall(scripts.STATE_WARM, _hash_keys(session), name.field), arguments)


def _store(session: ClientSession, name: DocumentName, version: dict[str, Any]) -> Plan[None]:
    """Store a version in Postgres, if Postgres answers. Otherwise a worker archives it from the pending stream."""
    statement = Statement(_SQL["store"], name.columns | version)
    try:
        yield from read_rows(session.scope.user, statement)
    except MemoryUnavailable as error:
        logger.warning("a document of agent state is only in Redis until it is archived: %s", error)


def _hash_keys(session: ClientSession) -> tuple[str, str]:
    return keys.state(session.scope.user), keys.documents(session.scope.user)


def _put_keys(session: ClientSession, put_id: str) -> tuple[str, ...]:
    user = session.scope.user
    shard = keys.shard_of(user.tenant_id, user.user_id)
    stream = keys.pending(documents.stream_scope(user))
    return (
        *_hash_keys(session),
        keys.locks(user),
        keys.put(user, put_id),
        stream,
        keys.due(shard),
        keys.pending_bytes(shard),
    )


def _put_arguments(
    session: ClientSession,
    name: DocumentName,
    text: str | None,
    *,
    put_id: str,
    expected: int | None,
    ttl_seconds: float | None,
    fence: int | None,
) -> Sequence[bytes]:
    expected = documents.validate_expected(expected)
    payload = {
        "v": turns.PAYLOAD_VERSION,
        "id": put_id,
        "kind": entries.STATE,
        "scope": name.scope,
        "owner": name.owner_id,
        "key": name.key,
        "ttl_seconds": ttl_seconds,
        "document": text,
    }
    return (
        put_id.encode(),
        b"%d" % session.settings.recent_seconds,
        b"%d" % documents.HOT_BYTES,
        keys.member(documents.stream_scope(session.scope.user)).encode(),
        b"%d" % session.settings.pending_limit_bytes_per_shard,
        b"" if expected is None else b"%d" % expected,
        b"" if fence is None else b"%d" % fence,
        b"" if ttl_seconds is None else b"%d" % max(1, round(ttl_seconds * 1000)),
        b"1" if text is None else b"0",
        (text or "").encode(),
        json.dumps(payload, separators=(",", ":"))[:-1].encode(),
        b"%d" % (keys.PUT_SECONDS * 1000),
    )
