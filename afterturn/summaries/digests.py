"""The digests of a session in Postgres: find the next one to make and its sources, store digests and the summary."""

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
from afterturn.summaries.tree import Digest, SummaryEpisode, SummaryPart

_SQL = queries.load("summaries")


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestWork:
    """A digest to make, and its sources."""

    digest: Digest
    #: Statements of the digest's episodes or narrower digests, oldest first; empty where all of them were removed.
    sources: tuple[SummaryStatement, ...]


def next_digest_work(connection: Connection, session: SessionScope, *, through: int, width: int) -> DigestWork | None:
    """Return the next digest to make for a session; None where all are made.

    Digests that must be made again come first, and a narrow one before the wider one that contains it.

    Args:
        connection: to read with.
        session: whose digests.
        through: the `user_seq` of the last batch to include.
        width: number of episodes, or of digests, that become one digest.
    """
    digests = _read_top_digests(connection, session)
    emptied = next((digest for digest in digests if digest.statements is None), None)
    due = emptied or tree.next_digest(_read_uncovered_episodes(connection, session, through), digests, width=width)
    return None if due is None else _read_work(connection, session, due)


def read_summary_parts(connection: Connection, session: SessionScope, *, through: int) -> list[SummaryPart]:
    """Return made digests and episodes that cover every episode up to `through` exactly once, oldest first."""
    digests = _read_top_digests(connection, session)
    parts = [part for digest in digests for part in _replace_if_not_made(connection, session, digest)]
    return [*parts, *_read_uncovered_episodes(connection, session, through)]


def store_digest(connection: Connection, session: SessionScope, digest: Digest, draft: DigestDraft) -> None:
    """Store a digest's statements, in the caller's transaction."""
    content = {"statements": Jsonb(summary.statements_to_json(draft.statements))}
    version = {"prompt_version": draft.prompt_version, "model": draft.model}
    connection.execute(_SQL["upsert_digest"], session.key | _span_arguments(digest) | content | version)


def delete_digest(connection: Connection, session: SessionScope, digest: Digest) -> None:
    """Delete a digest whose episodes were all removed, in the caller's transaction."""
    connection.execute(_SQL["delete_digest"], session.key | _span_arguments(digest))


def store_summary(connection: Connection, session: SessionScope, *, through: int, limit_tokens: int) -> None:
    """Write the session's summary from its digests and episodes, in the caller's transaction. Makes no LLM call.

    Args:
        connection: in the caller's transaction.
        session: whose summary.
        through: the `user_seq` of the last batch to include.
        limit_tokens: the longest summary.
    """
    packed = packing.pack_summary(read_summary_parts(connection, session, through=through), limit_tokens=limit_tokens)
    if not packed.statements:
        connection.execute(_SQL["delete_summary"], session.key)
        return
    content = {"text": packed.text, "statements": Jsonb(summary.statements_to_json(packed.statements))}
    connection.execute(_SQL["upsert_summary"], session.key | content | {"through": through})


def remove_episode_from_summary(
    connection: Connection, session: SessionScope, user_seq: int, *, limit_tokens: int
) -> None:
    """Remove the former text of a changed or deleted episode from digests and summary, in the caller's transaction.

    The digests that cover the episode are emptied and made again later. Until then the summary is made from their
    sources.
    """
    connection.execute(_SQL["empty_digests"], session.key | {"user_seq": user_seq})
    row = connection.execute(_SQL["applied_through"], session.key).fetchone()
    if row is not None:
        store_summary(connection, session, through=row["applied_through"], limit_tokens=limit_tokens)


def _read_work(connection: Connection, session: SessionScope, digest: Digest) -> DigestWork:
    sources: list[SummaryStatement] = []
    for child in _read_children(connection, session, digest):
        if isinstance(child, SummaryEpisode):
            sources.append(child.statement)
        elif child.statements is None:
            return _read_work(connection, session, child)
        else:
            sources += child.statements
    return DigestWork(digest=digest, sources=tuple(sources))


def _replace_if_not_made(connection: Connection, session: SessionScope, part: SummaryPart) -> list[SummaryPart]:
    """Return the part itself; for a digest that is not made, the parts that it covers."""
    if isinstance(part, SummaryEpisode) or part.statements is not None:
        return [part]
    children = _read_children(connection, session, part)
    return [made for child in children for made in _replace_if_not_made(connection, session, child)]


def _read_children(connection: Connection, session: SessionScope, digest: Digest) -> list[SummaryPart]:
    span = session.key | _span_arguments(digest)
    if digest.level == 0:
        return [SummaryEpisode(**row) for row in connection.execute(_SQL["episodes_within"], span).fetchall()]
    rows = connection.execute(_SQL["digests_within"], span | {"level": digest.level - 1}).fetchall()
    return [_parse_digest(row) for row in rows]


def _read_uncovered_episodes(connection: Connection, session: SessionScope, through: int) -> list[SummaryEpisode]:
    rows = connection.execute(_SQL["uncovered_episodes"], session.key | {"through": through}).fetchall()
    return [SummaryEpisode(**row) for row in rows]


def _read_top_digests(connection: Connection, session: SessionScope) -> list[Digest]:
    return [_parse_digest(row) for row in connection.execute(_SQL["top_digests"], session.key).fetchall()]


def _parse_digest(row: dict[str, Any]) -> Digest:
    statements = row["statements"]
    return Digest(
        level=row["level"],
        first_user_seq=row["first_user_seq"],
        last_user_seq=row["last_user_seq"],
        statements=None if statements is None else summary.statements_from_json(statements),
    )


def _span_arguments(digest: Digest) -> dict[str, int]:
    return {
        "level": digest.level,
        "first_user_seq": digest.first_user_seq,
        "last_user_seq": digest.last_user_seq,
    }
