"""`sessions` and `clear`: the list of a user's sessions, and the removal of all turns of one."""

from __future__ import annotations

from afterturn.client.effects import Plan, ReadRedis, read_rows
from afterturn.client.limits import validate_limit
from afterturn.client.plans import history, hot
from afterturn.client.session import ClientSession
from afterturn.database import queries
from afterturn.database.statement import Statement
from afterturn.hot import entries, keys
from afterturn.hot.entries import Mark
from afterturn.ids import RESERVED_PREFIX
from afterturn.memories import Session
from afterturn.recall import session_list

_SQL = queries.load("lists")

#: Members of a due index in one step of its scan.
_MEMBERS_PER_SCAN = 1_000
#: Turns that one call removes, and ids that one statement reads.
_TURNS_PER_CALL = 500


def sessions(session: ClientSession, *, limit: int, cursor: str | None) -> Plan[list[Session]]:
    """Return the user's sessions: those that are not archived yet first, then the last active first.

    Raises InvalidInput or MemoryUnavailable.
    """
    user, place = session.scope.user, session_list.parse_cursor(session.scope.user, cursor)
    validate_limit(limit)
    pending = yield from _read_pending_ids(session)
    found: list[Session] = []
    if place.has_pending and pending:
        known = yield from read_rows(user, session_list.known_sessions_statement(user, sorted(pending)))
        new = pending - {row["session_id"] for row in known}
        found = [session_list.make_pending_session(user, name) for name in sorted(new) if name > place.after_pending_id]
    if len(found) < limit:
        rows = yield from read_rows(user, session_list.sessions_statement(user, place, limit=limit - len(found)))
        found += [session_list.parse_session(user, row, is_pending=row["session_id"] in pending) for row in rows]
    return found[:limit]


def clear(session: ClientSession) -> Plan[int]:
    """Remove all turns that the session has now, and return their number. Raises MemoryUnavailable."""
    turn_ids = yield from read_turn_ids(session)
    yield from remove_turns(session, turn_ids)
    return len(turn_ids)


def read_turn_ids(session: ClientSession) -> Plan[list[str]]:
    """Return the ids of all turns that the session has now, also of those before a clear. Raises MemoryUnavailable."""
    # Redis first: a turn that is archived between the two reads is found in Postgres.
    in_redis = yield from hot.read_turns(session, history.ALL_TURNS)
    turn_ids = dict.fromkeys(turn.turn_id for turn in in_redis.turns)
    after = 0
    while True:
        arguments = session.scope.key | {"after": after, "limit": _TURNS_PER_CALL}
        rows = yield from read_rows(session.scope.user, Statement(_SQL["session_turn_ids"], arguments))
        hidden = in_redis.hidden
        turn_ids |= dict.fromkeys(
            row["turn_id"] for row in rows if (session.scope.session_id, row["turn_id"]) not in hidden
        )
        if len(rows) < _TURNS_PER_CALL:
            break
        after = rows[-1]["position"]
    return list(turn_ids)


def remove_turns(session: ClientSession, turn_ids: list[str]) -> Plan[None]:
    """Remove these turns of the session. Raises MemoryUnavailable."""
    for start in range(0, len(turn_ids), _TURNS_PER_CALL):
        arguments: list[bytes] = []
        for turn_id in turn_ids[start : start + _TURNS_PER_CALL]:
            mark_id, payload = entries.encode_mark(Mark.REMOVE, target_turn_id=turn_id)
            field = keys.hidden_field(session.scope.session_id, turn_id)
            arguments += (field.encode(), mark_id.encode(), payload)
        yield from hot.send(session, session.remove_call, arguments)


def _read_pending_ids(session: ClientSession) -> Plan[set[str]]:
    """Return the ids of the user's sessions with pending entries."""
    user = session.scope.user
    shard, pattern = keys.shard_of(user.tenant_id, user.user_id), keys.members_of_user(user)
    members: set[bytes] = set()
    for index in (keys.due(shard), keys.claims(shard)):
        place: int | str = 0
        while True:
            [(next_place, found)] = yield from ReadRedis(
                (("ZSCAN", index, place, "MATCH", pattern, "COUNT", _MEMBERS_PER_SCAN),)
            )
            members |= {pair[0] if isinstance(pair, (list, tuple)) else pair for pair in found}
            place = int(next_place)
            if place == 0:
                break
    found_ids = {keys.session_of(member.decode()).session_id for member in members}
    return {session_id for session_id in found_ids if not session_id.startswith(RESERVED_PREFIX)}
