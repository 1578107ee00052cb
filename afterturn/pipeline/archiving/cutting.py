"""Cut locked sessions: full, due or flushed turns become batches; each edit of a user becomes its own batch."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from afterturn.batches import cut, thoughts
from afterturn.batches.cut import Cut, Limits, NewBatch, UncutTurn
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.facts import edits
from afterturn.importing import runs
from afterturn.llm import budget
from afterturn.pipeline.archiving import locked
from afterturn.pipeline.archiving.locked import LockedSession
from afterturn.pipeline.enqueue import FIRST_PLACES, priority_of
from afterturn.pipeline.hand_out import DirectRoom
from afterturn.scopes import UserScope
from afterturn.settings import Settings

_SQL = queries.load("archive")

#: If the first batches of so many users of a tenant wait, new batches of the tenant get no priority. Larger: users of
#: other tenants wait longer. Smaller: users of this tenant wait longer behind the backlogs of others.
CROWD = 16


#: So many turns of one archive show the rhythm of their session, and no earlier turns are read.
_TURNS_WITH_A_RHYTHM = 10


@dataclass(slots=True)
class _Rows:
    """The rows that the cuts of a transaction write."""

    batches: list[dict[str, Any]] = field(default_factory=list)
    #: Batches of edits, with their answers.
    manual: list[dict[str, Any]] = field(default_factory=list)
    sessions: list[dict[str, Any]] = field(default_factory=list)
    #: The next batch number of each user with a new batch.
    next_user_seq: dict[UserScope, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """The turns of a session that belong to no batch."""

    session: LockedSession
    turns: list[UncutTurn]
    #: Times of turns before them, in seconds.
    earlier: list[float]
    settings: Settings

    @property
    def limits(self) -> Limits:
        """The size of a full batch."""
        return Limits(turns=self.settings.batch_turns, tokens=self.settings.batch_tokens)

    def wait_seconds(self, left: list[UncutTurn]) -> float:
        """Return how long the session has to be silent until the last of these turns are cut."""
        cut_times = [turn.written_at for turn in self.turns[: len(self.turns) - len(left)]]
        earlier = [*self.earlier, *cut_times]
        return thoughts.wait_seconds(left, earlier, self.limits, idle_seconds=self.settings.batch_idle_seconds)

    def count_held(self) -> int:
        """Return how many of the last turns stay when the others are cut by age: questions without an answer."""
        session = self.session
        if not session.is_cut_due or session.is_flushed or session.holds_edits or not self.turns:
            return 0
        silent_seconds = 0.0 if session.added else session.silent_seconds
        return cut.count_held_questions(self.turns) if silent_seconds < self.wait_seconds(self.turns) else 0


def cut_sessions(
    connection: Connection,
    settings: Settings,
    sessions: Collection[LockedSession],
    next_user_seq: dict[UserScope, int],
    room: DirectRoom,
) -> list[NewBatch]:
    """Cut full, due or flushed turns of these sessions, update the sessions' rows, and return the batches.

    Args:
        connection: in the transaction that has locked the sessions and their users.
        settings: the limits of batches, and when the remaining turns are due.
        sessions: the sessions after the archive of their entries.
        next_user_seq: the next batch number of each user.
        room: how many of the batches are handed on directly.
    """
    rows = _Rows()
    cutting = budget.cutting_settings(connection, settings, next_user_seq.keys())
    for session in sessions:
        own = cutting[session.scope.user]
        waiting = _Waiting(session, *_read_uncut(connection, session), own)
        for piece, cut_by in _pieces(waiting):
            _add_batch(rows, session, piece, cut_by, next_user_seq)
        _set_imports_aside(connection, session, waiting.turns)
        rows.sessions.append(_session_row(waiting))
    _hand_on(connection, rows, room, is_in_order=not settings.is_offline)
    _write(connection, rows)
    return [_new_batch(row, "extract") for row in rows.batches] + [_new_batch(row, "embed") for row in rows.manual]


def _hand_on(connection: Connection, rows: _Rows, room: DirectRoom, *, is_in_order: bool) -> None:
    """Choose the batches to hand on directly. Batches of a backlog get less room, so that some is left for others.

    The same applies to batches of a tenant with many waiting users. With `is_in_order`, a batch is extracted after the
    user's earlier ones are applied, because the model is shown their facts.
    """
    users = rows.next_user_seq.keys()
    first_open = locked.read_first_open_batches(connection, users)
    first_batches = locked.count_first_batches(connection, users, crowd=CROWD)
    for stage, new_rows in (("extract", rows.batches), ("embed", rows.manual)):
        for row in new_rows:
            user = UserScope(row["tenant_id"], row["user_id"])
            place = row["user_seq"] - first_open.setdefault(user, row["user_seq"])
            is_crowded = first_batches[user.tenant_id] >= CROWD
            row["place"] = max(place, FIRST_PLACES) if is_crowded else place
            first_batches[user.tenant_id] += row["place"] < FIRST_PLACES
            is_next = stage == "embed" or not is_in_order or row["user_seq"] == first_open[user]
            row["is_handed_on"] = is_next and room.take(stage, priority_of(row["place"]))


def _read_uncut(connection: Connection, session: LockedSession) -> tuple[list[UncutTurn], list[float]]:
    """Return the turns that belong to no batch, and the times of turns before them, which show the rhythm."""
    has_waited = session.uncut_since is not None
    is_rhythm_shown = len(session.added) > _TURNS_WITH_A_RHYTHM or not session.cut_through or not session.added
    if session.holds_edits or (not has_waited and is_rhythm_shown):
        return session.added, []
    first_added = session.added[0].position if session.added else session.next_position
    window = {"first_added": first_added, "earlier": thoughts.EARLIER_TURNS, "characters": thoughts.ENDING_CHARACTERS}
    arguments = session.scope.key | {"cut_through": session.cut_through} | window
    rows = connection.execute(_SQL["uncut_turns"], arguments).fetchall()
    uncut = [
        thoughts.waiting_turn(
            row["position"], cut.shown_tokens(row["role"], row["tokens"]), row["written_at"], row["ending"]
        )
        for row in rows
        if session.cut_through < row["position"] < first_added
    ]
    return uncut + session.added, [row["written_at"] for row in rows if row["position"] <= session.cut_through]


def _pieces(waiting: _Waiting) -> list[tuple[Cut, str]]:
    """Return the batches to cut now, with the reason: full ones, the rest if it is due or flushed, and each edit."""
    session, uncut = waiting.session, waiting.turns
    if session.holds_edits:
        return [(piece, "edit") for piece in cut.plan_cuts(uncut, cut.SINGLY)]
    rest_is_cut = "flush" if session.is_flushed else "due" if session.is_cut_due else None
    pieces: list[tuple[Cut, str]] = []
    for is_imported, stretch in runs.split_by_origin(uncut[: len(uncut) - waiting.count_held()], session.imported):
        # Turns before imported turns need not wait for more turns: none will follow them.
        because = rest_is_cut or ("due" if stretch[-1] is not uncut[-1] else None)
        for piece in () if is_imported else cut.plan_cuts(stretch, waiting.limits):
            if piece.is_full:
                pieces.append((piece, "subject" if piece.is_subject_over else "size"))
            elif because:
                pieces.append((piece, because))
    return pieces


def _add_batch(
    rows: _Rows, session: LockedSession, piece: Cut, cut_by: str, next_user_seq: dict[UserScope, int]
) -> None:
    user = session.scope.user
    user_seq = next_user_seq[user]
    next_user_seq[user] = rows.next_user_seq[user] = user_seq + 1
    session.cut_through = piece.last_position
    row = session.scope.key | {
        "batch_id": cut.batch_id(session.scope, user_seq, piece.first_position),
        "user_seq": user_seq,
        "first_position": piece.first_position,
        "last_position": piece.last_position,
        "tokens": piece.tokens,
        "cut_by": cut_by,
    }
    if session.holds_edits:
        answer = session.answers[piece.first_position]
        rows.manual.append(row | {"prompt_version": edits.PROMPT_VERSION, "model": edits.MODEL, "answer": answer})
    else:
        rows.batches.append(row)


def _set_imports_aside(connection: Connection, session: LockedSession, uncut: list[UncutTurn]) -> None:
    """Move the imported turns to their run, so that later turns need not wait for them."""
    for is_imported, stretch in runs.split_by_origin(uncut, session.imported):
        if is_imported:
            runs.add_to_run(connection, session.scope, stretch)
            session.cut_through = max(session.cut_through, stretch[-1].position)


def _session_row(waiting: _Waiting) -> dict[str, Any]:
    session, settings = waiting.session, waiting.settings
    left = [turn for turn in waiting.turns if turn.position > session.cut_through]
    is_older = bool(left) and (not session.added or left[0].position < session.added[0].position)
    is_held = bool(left) and left[0] is not waiting.turns[0] and waiting.count_held() > 0
    older_since = session.now - timedelta(seconds=session.silent_seconds) if is_held else session.uncut_since
    return session.scope.key | {
        "next_position": session.next_position,
        "cut_through": session.cut_through,
        "uncut_tokens": sum(turn.tokens for turn in left),
        "uncut_since": None if not left else older_since if is_older else session.now,
        "has_new": bool(session.added),
        "waits_anew": bool(session.added) or is_held,
        "max_age_seconds": settings.batch_max_age_seconds,
        "wait_seconds": waiting.wait_seconds(left) if left else 0.0,
    }


def _write(connection: Connection, rows: _Rows) -> None:
    with connection.cursor() as cursor:
        if rows.next_user_seq:
            cursor.executemany(_SQL["add_batch"], rows.batches)
            cursor.executemany(_SQL["add_manual_batch"], rows.manual)
            users = [user.key | {"next_user_seq": seq} for user, seq in rows.next_user_seq.items()]
            cursor.executemany(_SQL["update_user"], users)
        cursor.executemany(_SQL["update_session"], rows.sessions)


def _new_batch(row: dict[str, Any], stage: str) -> NewBatch:
    user = UserScope(row["tenant_id"], row["user_id"])
    return NewBatch(user, row["batch_id"], stage, row["is_handed_on"], row["place"])
