"""The digests of a session in Postgres: which are to be made, of what, and what stands while they are not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb

from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.scopes import SessionScope
from afterturn.summaries import packing, summary, tree
from afterturn.summaries.summarizer import DigestDraft
from afterturn.summaries.summary import SummaryStatement
from afterturn.summaries.tree import Digest, Episode, Part

_SQL = queries.load("summaries")


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A digest to be made."""

    digest: Digest
    #: What it is made of, oldest first; empty where all of it was taken back.
    sources: tuple[SummaryStatement, ...]


def next_work(connection: Connection, session: SessionScope, *, through: int, width: int) -> Work | None:
    """Return the next digest to make of the session's batches up to `through`; None where all are made.

    Those that must be made again come first, the narrow before the wide.
    """
    digests = _open_digests(connection, session)
    vacant = next((digest for digest in digests if digest.statements is None), None)
    due = vacant or tree.due(_open_episodes(connection, session, through), digests, width=width)
    return None if due is None else _work(connection, session, due)


def standing(connection: Connection, session: SessionScope, *, through: int) -> list[Part]:
    """Return what covers every episode up to `through` once, oldest first, the digests that are not made left out."""
    parts = [part for digest in _open_digests(connection, session) for part in _made(connection, session, digest)]
    return [*parts, *_open_episodes(connection, session, through)]


def store(connection: Connection, session: SessionScope, digest: Digest, draft: DigestDraft) -> None:
    """Keep what a digest says, in the caller's transaction."""
    said = {"statements": Jsonb(summary.to_json(draft.statements))}
    version = {"prompt_version": draft.prompt_version, "model": draft.model}
    connection.execute(_SQL["put_digest"], session.key | _span(digest) | said | version)


def drop(connection: Connection, session: SessionScope, digest: Digest) -> None:
    """Remove a digest that covers nothing any more, in the caller's transaction."""
    connection.execute(_SQL["drop_digest"], session.key | _span(digest))


def vacate(connection: Connection, session: SessionScope, user_seq: int) -> None:
    """Empty the digests that cover this episode, in the caller's transaction; they are owed again."""
    connection.execute(_SQL["vacate_digests"], session.key | {"user_seq": user_seq})


def put_summary(connection: Connection, session: SessionScope, *, through: int, limit_tokens: int) -> None:
    """Write the session's summary up to a batch from what stands, in the caller's transaction. Makes no call."""
    packed = packing.pack(standing(connection, session, through=through), limit_tokens=limit_tokens)
    if not packed.statements:
        connection.execute(_SQL["drop"], session.key)
        return
    said = {"text": packed.text, "statements": Jsonb(summary.to_json(packed.statements))}
    connection.execute(_SQL["put"], session.key | said | {"through": through})


def forget_episode(connection: Connection, session: SessionScope, user_seq: int, *, limit_tokens: int) -> None:
    """Let digests and summary no longer tell what an episode told before, in the caller's transaction.

    What covered it is made again later; until then the summary consists of what that was made of.
    """
    vacate(connection, session, user_seq)
    row = connection.execute(_SQL["applied_through"], session.key).fetchone()
    if row is not None:
        put_summary(connection, session, through=row["applied_through"], limit_tokens=limit_tokens)


def _work(connection: Connection, session: SessionScope, digest: Digest) -> Work:
    sources: list[SummaryStatement] = []
    for child in _children(connection, session, digest):
        if isinstance(child, Episode):
            sources.append(child.statement)
        elif child.statements is None:
            return _work(connection, session, child)
        else:
            sources += child.statements
    return Work(digest=digest, sources=tuple(sources))


def _made(connection: Connection, session: SessionScope, part: Part) -> list[Part]:
    """Return the part, or, where it is a digest that is not made, what stands for it."""
    if isinstance(part, Episode) or part.statements is not None:
        return [part]
    children = _children(connection, session, part)
    return [standing for child in children for standing in _made(connection, session, child)]


def _children(connection: Connection, session: SessionScope, digest: Digest) -> list[Part]:
    if digest.level == 0:
        rows = connection.execute(_SQL["episodes_within"], session.key | _span(digest)).fetchall()
        return [Episode(**row) for row in rows]
    rows = connection.execute(
        _SQL["digests_within"], session.key | _span(digest) | {"level": digest.level - 1}
    ).fetchall()
    return [_digest(row) for row in rows]


def _open_episodes(connection: Connection, session: SessionScope, through: int) -> list[Episode]:
    rows = connection.execute(_SQL["open_episodes"], session.key | {"through": through}).fetchall()
    return [Episode(**row) for row in rows]


def _open_digests(connection: Connection, session: SessionScope) -> list[Digest]:
    return [_digest(row) for row in connection.execute(_SQL["open_digests"], session.key).fetchall()]


def _digest(row: dict[str, Any]) -> Digest:
    said = row["statements"]
    return Digest(
        level=row["level"],
        first_user_seq=row["first_user_seq"],
        last_user_seq=row["last_user_seq"],
        statements=None if said is None else summary.from_json(said),
    )


def _span(digest: Digest) -> dict[str, int]:
    return {
        "level": digest.level,
        "first_user_seq": digest.first_user_seq,
        "last_user_seq": digest.last_user_seq,
    }
