"""The items of a session of an agent framework: read, add, take the newest, clear.

Items are turns (`session_items`), and no other store has them. Redis has the newest turns of a session, often all: then
an item that was noted as the oldest one of the session is among them, and Postgres is not read.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from afterturn import session_items
from afterturn.client import known_secrets
from afterturn.client.effects import Plan, RunScript, read_rows
from afterturn.client.plans import cold, hot, sessions
from afterturn.client.session import ClientSession, Entry, write_arguments
from afterturn.database.statement import Row
from afterturn.errors import MemoryUnavailable
from afterturn.hot import entries, keys, pending
from afterturn.hot.entries import Mark
from afterturn.recall import memory_queries

logger = logging.getLogger("afterturn.client")

#: How often an item is taken again that others take at the same time. Each time, one of them gets its item.
TAKE_ATTEMPTS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class HotItems:
    """The items of a session in Redis."""

    #: The JSON of each item by turn id, oldest first, without removed ones.
    texts: dict[str, str]
    #: Changes with each removal and each clear; empty if there was none lately.
    version: str
    #: Whether the session has no other items.
    is_complete: bool
    #: Whether Redis may have dropped older turns of the session.
    may_lack_turns: bool
    #: Whether Redis keeps all of these turns when they are archived.
    are_kept: bool
    #: The ids of the session's turns that Postgres may still show.
    hidden: frozenset[str]


def read(session: ClientSession, limit: int | None) -> Plan[list[Any]]:
    """Return the last items of the session since it was cleared, oldest first. Raises MemoryUnavailable.

    If Postgres is unavailable, those in Redis are returned, unless Redis has dropped older ones.

    Args:
        session: the session.
        limit: the largest number of items; None, or less than 0: all.
    """
    if limit == 0:
        return []
    count = 0 if limit is None or limit < 0 else limit
    texts, _ = yield from _read_texts(session, count)
    return _decode(list(texts.values())[-count:])


def add(session: ClientSession, items: Iterable[Any], *, memories_shown: Sequence[str] = ()) -> Plan[None]:
    """Append items to the session, all or none, in one round trip. Raises InvalidInput or MemoryUnavailable."""
    if new := _make_entries(session, items, memories_shown):
        yield from hot.send(session, session.write_call, write_arguments(new))


def replace(session: ClientSession, items: Iterable[Any]) -> Plan[None]:
    """Clear the session and append items, in one step. Raises InvalidInput or MemoryUnavailable."""
    new = [entries.encode_mark(Mark.CLEAR), *_make_entries(session, items, ())]
    yield from hot.send(session, session.write_call, write_arguments(new))


def take_newest(session: ClientSession) -> Plan[Any]:
    """Remove the newest item of the session, with the facts that rest on it alone, and return it, or None.

    Two callers at the same time get different items. Raises MemoryUnavailable.
    """
    for _ in range(TAKE_ATTEMPTS):
        texts, version = yield from _read_texts(session, 1)
        if not texts:
            return None
        turn_id, text = list(texts.items())[-1]
        mark_id, payload = entries.encode_mark(Mark.REMOVE, target_turn_id=turn_id)
        field = keys.hidden_field(session.scope.session_id, turn_id)
        arguments = (mark_id.encode(), payload, field.encode(), version.encode())
        if (yield from RunScript(session.mark_items_call, arguments)) and (found := _decode([text])):
            return found[0]
    raise MemoryUnavailable(f"others took items of this session at the same time, {TAKE_ATTEMPTS:,} times in a row")


def clear(session: ClientSession, *, forgets: bool) -> Plan[None]:
    """Begin the history of the session anew, in one step: the turns before it are hidden from it. Facts stay.

    Args:
        session: the session.
        forgets: also remove the turns, and the facts that rest on them alone.

    Raises MemoryUnavailable.
    """
    turn_ids = (yield from sessions.read_turn_ids(session)) if forgets else []
    mark_id, payload = entries.encode_mark(Mark.CLEAR)
    yield from RunScript(session.mark_items_call, (mark_id.encode(), payload, b"", b""))
    yield from sessions.remove_turns(session, turn_ids)


def _make_entries(session: ClientSession, items: Iterable[Any], memories_shown: Sequence[str]) -> list[Entry]:
    settings = session.settings
    new = [
        session_items.make_payload(
            item,
            turn_limit_bytes=settings.turn_limit_bytes,
            item_limit_bytes=settings.pending_limit_bytes_per_shard // 2,
            agent_id=session.agent_id,
            memories_shown=memories_shown,
        )
        for item in items
    ]
    if session.redacts_turns:
        return [(turn_id, known_secrets.redact_payload(session.scope.user, payload)) for turn_id, payload in new]
    return new


def _read_texts(session: ClientSession, count: int) -> Plan[tuple[dict[str, str], str]]:
    """Return the JSON of at least `count` of the last items, if there are so many (0: all), and the version."""
    in_redis = yield from _read_hot(session, count)
    if in_redis.is_complete or 0 < count <= len(in_redis.texts):
        return in_redis.texts, in_redis.version
    limit = count + len(in_redis.hidden) if count else None
    try:
        rows = yield from read_rows(session.scope.user, memory_queries.session_items(session.scope, limit=limit))
    except MemoryUnavailable as error:
        if in_redis.may_lack_turns or not in_redis.texts:
            raise
        logger.warning("Postgres is unavailable: the session contains only the items in Redis: %s", error)
        return in_redis.texts, in_redis.version
    archived, has_gaps = yield from _decode_archived(session, rows, in_redis)
    if limit is not None and has_gaps:
        return (yield from _read_texts(session, 0))
    texts = archived | {turn_id: text for turn_id, text in in_redis.texts.items() if turn_id not in archived}
    if in_redis.are_kept and texts.keys() == in_redis.texts.keys() and (not count or len(texts) < count):
        first = next(iter(texts), "")
        yield from RunScript(session.note_first_item_call, (in_redis.version.encode(), first.encode()))
    return texts, in_redis.version


def _read_hot(session: ClientSession, count: int) -> Plan[HotItems]:
    """Return the items in Redis: all, or at least the last `count`, if there are so many."""
    limit = count + hot.MARKS_AMONG_TURNS if count else 0
    while True:
        reply = yield from RunScript(session.read_items_call, (b"%d" % limit,))
        found = _parse_hot(session, reply)
        if len(found.texts) >= count or len(reply[2]) < limit:
            return found
        limit *= 4


def _parse_hot(session: ClientSession, reply: Sequence[Any]) -> HotItems:
    """Return the items in a reply of the script that reads them."""
    version, first, newest_first, recent, hidden = reply
    waiting = list(reversed(newest_first))
    cleared_at = pending.last_clear(waiting)
    if cleared_at is not None:
        waiting, recent = waiting[cleared_at + 1 :], []
    session_id = session.scope.session_id
    names = [keys.hidden_turn(name.decode()) for name in hidden]
    removed = frozenset(turn_id for named, turn_id in names if named == session_id)
    texts: dict[str, str] = {}
    for turn_id, text in session_items.read_payloads([*recent, *waiting]):
        if turn_id not in removed:
            texts.setdefault(turn_id, text)
    noted = None if first is None else first.decode()
    return HotItems(
        texts=texts,
        version=(version or b"").decode(),
        is_complete=cleared_at is not None or (noted in texts if noted else noted == "" and not texts),
        may_lack_turns=len(recent) >= max(1, session.settings.recent_turns),
        are_kept=all(len(payload) <= session.settings.turn_limit_bytes for payload in waiting),
        hidden=removed,
    )


def _decode_archived(
    session: ClientSession, rows: Sequence[Row], in_redis: HotItems
) -> Plan[tuple[dict[str, str], bool]]:
    """Return the JSON of archived items by turn id, oldest first, and whether there are turns without an item.

    Messages of other doors may be in the cold archive. Raises ColdUnavailable or ColdObjectDamaged if one cannot be
    read: a conversation has no gaps.
    """
    shown = [row for row in reversed(rows) if row["turn_id"] not in in_redis.hidden]
    contents = yield from _read_cold(session, [row["position"] for row in shown if row["is_cold"]])
    texts = {
        row["turn_id"]: row["item"]
        or session_items.text_of(row["role"], str(contents.get(row["position"], row["content"])), {})
        for row in shown
    }
    found = {turn_id: text for turn_id, text in texts.items() if text is not None}
    return found, len(found) < len(texts)


def _read_cold(session: ClientSession, positions: Sequence[int]) -> Plan[dict[int, str]]:
    """Return the contents of turns in the cold archive by position. Raises the error of the first that is away."""
    if not positions:
        return {}
    places = [(session.scope.session_id, position) for position in positions]
    texts = yield from cold.read_texts(session.scope.user, places)
    for error in texts.away.values():
        raise error
    return {position: content for (_, position), content in texts.contents.items()}


def _decode(texts: Sequence[str]) -> list[Any]:
    """Return the items in these texts. What is not JSON was written by another door, and is left out."""
    try:
        # Together they take half of the time.
        found: list[Any] = json.loads(f"[{','.join(texts)}]")
        if len(found) == len(texts):
            return found
    except (ValueError, RecursionError):
        pass
    found = []
    for text in texts:
        try:
            found.append(json.loads(text))
        except (ValueError, RecursionError):
            continue
    return found
