"""Archive: pending turns of many sessions go to Postgres, and full batches are cut, in one transaction.

A person's edit is a batch of its own at once, and brings its answer with it.

Under each session row's lock a new turn gets the next position; a turn that is there already changes nothing. Only
then do exactly the committed entries leave Redis. Dying between the two is harmless: they are archived again, which
does nothing, and leave then.
"""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import redis
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool

from afterturn import faults, tokens
from afterturn.batches import cut
from afterturn.batches.cut import Cut, NewBatch, UncutTurn
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.errors import TransitionRefused
from afterturn.facts import edits
from afterturn.forgetting import erasures, removal
from afterturn.hot import pending
from afterturn.hot.entries import Entry, Mark
from afterturn.importing import runs
from afterturn.llm import budget
from afterturn.scopes import SessionScope, UserScope
from afterturn.settings import Settings

logger = logging.getLogger(__name__)

_SQL = queries.load("archive")

#: Entries of one session that one transaction takes. Larger: fewer transactions, longer locks.
ENTRIES_PER_SESSION = 500


@dataclass(slots=True)
class _Session:
    """One session row under its lock, and what this transaction does to it."""

    scope: SessionScope
    next_position: int
    cut_through: int
    uncut_tokens: int
    uncut_since: datetime | None
    is_cut_due: bool
    now: datetime
    added: list[UncutTurn] = field(default_factory=list)
    is_flushed: bool = False
    #: The positions of those among them that were imported.
    imported: set[int] = field(default_factory=set)
    #: The answers that edits bring with them, by the edit's position.
    answers: dict[int, str] = field(default_factory=dict)

    @property
    def holds_edits(self) -> bool:
        """Whether its turns are a person's edits: each becomes a batch at once."""
        return self.scope.session_id == edits.SESSION_ID

    @property
    def key(self) -> dict[str, Any]:
        return {
            "tenant_id": self.scope.tenant_id,
            "user_id": self.scope.user_id,
            "session_id": self.scope.session_id,
        }


def archive(
    client: redis.Redis, pool: ConnectionPool[Connection], settings: Settings, sessions: Sequence[SessionScope]
) -> list[NewBatch]:
    """Archive all that is pending in these sessions, and return the batches that were cut.

    Raises the driver's errors when a server is away; what was not committed is still pending then.
    """
    faults.point("archive.begun")
    new_batches: list[NewBatch] = []
    remaining = list(dict.fromkeys(sessions))
    while remaining:
        with pool.connection() as connection:
            epochs = erasures.epochs(connection, {scope.user for scope in remaining})
        taken = pending.read(client, remaining, limit=ENTRIES_PER_SESSION)
        faults.point("archive.entries_read")
        try:
            with pool.connection() as connection, connection.transaction():
                cut_now = archive_entries(connection, settings, taken, epochs=epochs)
                gone = removal.removed(connection, taken)
                faults.point("archive.before_commit")
        except TransitionRefused as error:
            logger.warning("pending turns are read again: %s", error)
            continue
        faults.point("archive.after_commit")
        new_batches += cut_now
        pending.remove(client, taken, gone, keep_recent=settings.recent_turns, recent_seconds=settings.recent_seconds)
        faults.point("archive.entries_removed")
        remaining = [scope for scope, entries in taken.items() if len(entries) == ENTRIES_PER_SESSION]
    return new_batches


def cut_due(pool: ConnectionPool[Connection], settings: Settings, *, limit: int) -> list[NewBatch]:
    """Cut batches in the sessions that are due by idle time or age, and return them."""
    with pool.connection() as connection:
        rows = connection.execute(queries.load("sweep")["cut_due"], {"limit": limit}).fetchall()
        if not rows:
            return []
        due: dict[SessionScope, list[Entry]] = {
            SessionScope(row["tenant_id"], row["user_id"], row["session_id"]): [] for row in rows
        }
        with connection.transaction():
            return archive_entries(connection, settings, due)


def archive_entries(
    connection: Connection,
    settings: Settings,
    taken: Mapping[SessionScope, Sequence[Entry]],
    *,
    epochs: Mapping[UserScope, int] | None = None,
) -> list[NewBatch]:
    """Archive these entries and cut what is full, due or flushed, inside the caller's transaction.

    `epochs` are those read before the entries were. Raises TransitionRefused when a user was forgotten since.
    """
    users = {scope.user for scope in taken}
    # What was written makes a user and a session; a cut, or a late message, must not bring back who was forgotten.
    written = [scope for scope, entries in taken.items() if entries]
    next_user_seq = _lock_users(connection, users, new={scope.user for scope in written})
    if epochs is not None and erasures.epochs(connection, users) != epochs:
        raise TransitionRefused("a user was forgotten while their turns were being archived")
    sessions = _lock_sessions(connection, [scope for scope in taken if scope.user in next_user_seq], new=written)
    faults.point("archive.rows_locked")
    known = _known_turns(connection, taken)
    archived_before = frozenset(known)
    rows = [row for scope in sessions for row in _place(sessions[scope], taken[scope], known)]
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(_SQL["add_turn"], rows)
    removal.carry_out(connection, taken, archived_before, settings)
    return _cut_sessions(connection, settings, sessions.values(), next_user_seq)


def _lock_users(
    connection: Connection, users: Collection[UserScope], *, new: Collection[UserScope]
) -> dict[UserScope, int]:
    """Lock these users' rows, after making those of `new`; return each one's next batch number."""
    connection.execute(_SQL["add_users"], _named_users(new))
    rows = connection.execute(_SQL["lock_users"], _named_users(users)).fetchall()
    return {UserScope(row["tenant_id"], row["user_id"]): row["next_user_seq"] for row in rows}


def _named_users(scopes: Collection[UserScope | SessionScope]) -> dict[str, list[str]]:
    return {"tenants": [scope.tenant_id for scope in scopes], "users": [scope.user_id for scope in scopes]}


def _named_sessions(scopes: Collection[SessionScope]) -> dict[str, list[str]]:
    return _named_users(scopes) | {"sessions": [scope.session_id for scope in scopes]}


def _lock_sessions(
    connection: Connection, scopes: Collection[SessionScope], *, new: Collection[SessionScope]
) -> dict[SessionScope, _Session]:
    """Lock these sessions' rows, after making those of `new`; return each as it stands."""
    connection.execute(_SQL["add_sessions"], _named_sessions(new))
    locked = {}
    for row in connection.execute(_SQL["lock_sessions"], _named_sessions(scopes)).fetchall():
        scope = SessionScope(row["tenant_id"], row["user_id"], row["session_id"])
        locked[scope] = _Session(
            scope=scope,
            next_position=row["next_position"],
            cut_through=row["cut_through"],
            uncut_tokens=row["uncut_tokens"],
            uncut_since=row["uncut_since"],
            is_cut_due=bool(row["is_cut_due"]),
            now=row["now"],
        )
    return locked


def _known_turns(
    connection: Connection, taken: Mapping[SessionScope, Sequence[Entry]]
) -> set[tuple[SessionScope, str]]:
    named = [(scope, entry.entry_id) for scope, entries in taken.items() for entry in entries if entry.turn]
    if not named:
        return set()
    rows = connection.execute(
        _SQL["known_turns"],
        _named_sessions([scope for scope, _ in named]) | {"turns": [turn_id for _, turn_id in named]},
    ).fetchall()
    return {(SessionScope(row["tenant_id"], row["user_id"], row["session_id"]), row["turn_id"]) for row in rows}


def _place(session: _Session, entries: Sequence[Entry], known: set[tuple[SessionScope, str]]) -> list[dict[str, Any]]:
    """Give each new turn the next position; note a flush. Returns the rows to add."""
    rows = []
    for entry in entries:
        if entry.mark is Mark.FLUSH:
            session.is_flushed = True
        if entry.turn is None or (session.scope, entry.entry_id) in known:
            continue
        known.add((session.scope, entry.entry_id))
        counted = tokens.estimate(entry.turn.content)
        rows.append(session.key | _columns(entry) | {"position": session.next_position, "tokens": counted})
        session.added.append(UncutTurn(session.next_position, counted))
        if entry.turn.is_imported:
            session.imported.add(session.next_position)
        if session.holds_edits:
            session.answers[session.next_position] = json.dumps(
                edits.answer_from_metadata(entry.turn.metadata), ensure_ascii=False
            )
        session.next_position += 1
    return rows


def _columns(entry: Entry) -> dict[str, Any]:
    turn = entry.turn
    assert turn is not None
    return {
        "turn_id": turn.turn_id,
        "role": turn.role,
        "name": turn.name,
        "agent_id": turn.agent_id,
        "content": turn.content,
        "metadata": Jsonb(turn.metadata),
        "memories_shown": list(turn.memories_shown),
        "occurred_at": turn.occurred_at,
        "written_at": entry.written_at_seconds,
    }


def _cut_sessions(
    connection: Connection, settings: Settings, sessions: Iterable[_Session], next_user_seq: dict[UserScope, int]
) -> list[NewBatch]:
    batch_rows: list[dict[str, Any]] = []
    manual_rows: list[dict[str, Any]] = []
    session_rows: list[dict[str, Any]] = []
    cut_users: dict[UserScope, int] = defaultdict(int)
    cutting = budget.cutting_settings(connection, settings, next_user_seq.keys())
    for session in sessions:
        own = cutting[session.scope.user]
        uncut = _uncut_turns(connection, session)
        for piece, cut_by in _pieces(session, uncut, cut.Limits(turns=own.batch_turns, tokens=own.batch_tokens)):
            seq = next_user_seq[session.scope.user]
            next_user_seq[session.scope.user] = cut_users[session.scope.user] = seq + 1
            row = _batch_row(session, piece, cut_by, seq)
            if session.holds_edits:
                manual_rows.append(row | _answer_columns(session, piece))
            else:
                batch_rows.append(row)
            session.cut_through = piece.last_position
        _set_imports_aside(connection, session, uncut)
        session_rows.append(_session_row(session, uncut, own))
    with connection.cursor() as cursor:
        if cut_users:
            cursor.executemany(_SQL["add_batch"], batch_rows)
            cursor.executemany(_SQL["add_manual_batch"], manual_rows)
            cursor.executemany(
                _SQL["update_user"],
                [user.key | {"next_user_seq": seq} for user, seq in cut_users.items()],
            )
        cursor.executemany(_SQL["update_session"], session_rows)
    return [_new_batch(row, "extract") for row in batch_rows] + [_new_batch(row, "embed") for row in manual_rows]


def _new_batch(row: Mapping[str, Any], stage: str) -> NewBatch:
    return NewBatch(UserScope(row["tenant_id"], row["user_id"]), row["batch_id"], stage)


def _uncut_turns(connection: Connection, session: _Session) -> list[UncutTurn]:
    if session.uncut_since is None:
        return session.added
    rows = connection.execute(_SQL["uncut_turns"], session.key | {"cut_through": session.cut_through}).fetchall()
    return [UncutTurn(row["position"], row["tokens"]) for row in rows]


def _pieces(session: _Session, uncut: list[UncutTurn], limits: cut.Limits) -> list[tuple[Cut, str]]:
    """Return what becomes a batch now, and why: all that is full, and the rest when it is due or flushed; each edit."""
    if session.holds_edits:
        return [(piece, "edit") for piece in cut.plan(uncut, cut.SINGLY)]
    rest_is_cut = "flush" if session.is_flushed else "due" if session.is_cut_due else None
    pieces: list[tuple[Cut, str]] = []
    for is_imported, stretch in runs.split_by_origin(uncut, session.imported):
        # What stands before imported turns cannot wait for more: nothing will follow it.
        because = rest_is_cut or ("due" if stretch[-1] is not uncut[-1] else None)
        for piece in () if is_imported else cut.plan(stretch, limits):
            if piece.is_full:
                pieces.append((piece, "size"))
            elif because:
                pieces.append((piece, because))
    return pieces


def _set_imports_aside(connection: Connection, session: _Session, uncut: list[UncutTurn]) -> None:
    """Let the imported turns wait elsewhere, so that what comes after them need not wait for them."""
    for is_imported, stretch in runs.split_by_origin(uncut, session.imported):
        if is_imported:
            runs.add_to_run(connection, session.scope, stretch)
            session.cut_through = max(session.cut_through, stretch[-1].position)


def _batch_row(session: _Session, piece: Cut, cut_by: str, user_seq: int) -> dict[str, Any]:
    return session.key | {
        "batch_id": cut.batch_id(session.scope, user_seq, piece.first_position),
        "user_seq": user_seq,
        "first_position": piece.first_position,
        "last_position": piece.last_position,
        "tokens": piece.tokens,
        "cut_by": cut_by,
    }


def _answer_columns(session: _Session, piece: Cut) -> dict[str, Any]:
    answer = session.answers[piece.first_position]
    return {"prompt_version": edits.PROMPT_VERSION, "model": edits.MODEL, "answer": answer}


def _session_row(session: _Session, uncut: list[UncutTurn], settings: Settings) -> dict[str, Any]:
    left = [turn for turn in uncut if turn.position > session.cut_through]
    is_older = bool(left) and (not session.added or left[0].position < session.added[0].position)
    return session.key | {
        "next_position": session.next_position,
        "cut_through": session.cut_through,
        "uncut_tokens": sum(turn.tokens for turn in left),
        "uncut_since": None if not left else session.uncut_since if is_older else session.now,
        "has_new": bool(session.added),
        "max_age_seconds": settings.batch_max_age_seconds,
        "idle_seconds": settings.batch_idle_seconds,
    }
