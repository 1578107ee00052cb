"""Build and drop the index of a large memory, in a worker. Recall reads an index only when it is complete."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np

from afterturn import faults
from afterturn.batches import leases
from afterturn.batches.leases import Lease
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.recall import document_features, documents, lexical, memory_queries, stems
from afterturn.recall.document_keys import TurnKey
from afterturn.recall.documents import Documents, DocumentSet, Places
from afterturn.recall.filters import Filters
from afterturn.recall.question_text import QuestionText
from afterturn.recall.vector_index import cell_rows
from afterturn.recall.vector_index.cells import Spread, VectorName
from afterturn.recall.vector_index.columns import IS_USER, NAMES_TIME, STATES_STANDING, IndexColumns
from afterturn.recall.vector_index.long_transaction import long_transaction
from afterturn.scopes import UserScope

_SQL = queries.load("vector_index")

#: The number of stems whose postings one statement inserts.
STEMS_PER_STATEMENT = 5_000
#: Speakers are stored as 16-bit numbers. All further speakers are stored as the first one.
MAX_SPEAKERS = 65_535


def build_index(
    connection: Connection, scope: UserScope, lease: Lease, *, space_id: int | None, read_at: datetime, user_seq: int
) -> None:
    """Index the current memory of a user, and remove the previous index.

    Args:
        connection: not in a transaction.
        scope: whose memory.
        lease: owned by the caller; this function releases it.
        space_id: the embedding space; None where the memory has no vectors.
        read_at: the database's time before anything was read.
        user_seq: the number of the user's next batch at that time.

    Raises StaleLease when a turn was removed or the user was forgotten meanwhile; then the new index is not used.
    """
    with long_transaction(connection):
        document_set = _read_document_set(connection, scope)
    standalone = document_set.standalone_facts()
    indexed = documents.concatenate([document_set.turns, documents.select(document_set.facts, standalone)])
    columns = index_columns(document_set, indexed, standalone, space_id)
    build_row = connection.execute(_SQL["new_build"]).fetchone()
    assert build_row is not None, "a sequence always has a next value"
    build: dict[str, Any] = scope.key | {"build": build_row["build"]}
    for chunk in postings(indexed):
        with long_transaction(connection):
            leases.fence(connection, lease)
            connection.execute(_SQL["add_postings"], build | chunk)
    faults.point("index.postings_stored")
    spreads = {"turn": Spread(), "fact": Spread()}
    for chunk in cell_rows.chunks(connection, scope, space_id, _places_of_vectors(document_set), columns, spreads):
        with long_transaction(connection):
            leases.fence(connection, lease)
            connection.execute(_SQL["add_cells"], build | {"space_id": space_id} | chunk)
    faults.point("index.cells_stored")
    columns = replace(columns, spread_of_turns=spreads["turn"].pack(), spread_of_facts=spreads["fact"].pack())
    _publish(connection, lease, build, columns, read_at=read_at, user_seq=user_seq)


def drop_index(connection: Connection, scope: UserScope) -> None:
    """Drop the index of a memory and stop any build, because indexed content was removed.

    It runs in the caller's transaction, under the lock on the user's row. Until the next index is built, recall reads
    the whole memory.
    """
    connection.execute(_SQL["delete_lease"], scope.key)
    if connection.execute(_SQL["drop_columns"], scope.key).rowcount:
        connection.execute(_SQL["mark_indexed"], scope.key | {"user_seq": 0})
    _drop_other_builds(connection, scope.key | {"build": 0})


def index_columns(
    document_set: DocumentSet, indexed: Documents, standalone: Places, space_id: int | None
) -> IndexColumns:
    """Return the columns of an index, without the spreads of its vectors.

    Args:
        document_set: the memory.
        indexed: the documents of the index: the turns, then the standalone facts.
        standalone: the places of the standalone facts among the facts.
        space_id: of the vectors.
    """
    turns = document_set.turns
    keys = [key for key in turns.keys if isinstance(key, TurnKey)]
    speakers = list(dict.fromkeys(indexed.speaker))[:MAX_SPEAKERS]
    speaker_numbers = {name: number for number, name in enumerate(speakers)}
    time_codes = [stems.code(stem) for stem in stems.TIME_STEMS]
    names_time = lexical.contains_stem(indexed, time_codes)
    return IndexColumns(
        space_id=space_id,
        turn_count=len(turns),
        sessions=list(dict.fromkeys(key.session_id for key in keys)),
        session_sizes=np.bincount(turns.session) if len(turns) else turns.session,
        speakers=speakers,
        positions=np.array([key.position for key in keys], dtype=np.int64),
        lengths=np.minimum(indexed.lengths, np.iinfo(np.uint16).max),
        traits=(
            indexed.is_user.astype(np.uint8) * IS_USER
            | names_time.astype(np.uint8) * NAMES_TIME
            | document_features.states_standing(indexed).astype(np.uint8) * STATES_STANDING
        ),
        speaker=np.array([speaker_numbers.get(name, 0) for name in indexed.speaker], dtype=np.int64),
        months=indexed.said_at.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64),
        fact_ids=b"".join(key.bytes for key in document_set.facts.keys),  # type: ignore[union-attr]
        evidence_facts=document_set.evidence[0],
        evidence_turns=document_set.evidence[1],
        standalone=standalone,
        spread_of_turns=b"",
        spread_of_facts=b"",
    )


def postings(indexed: Documents) -> Iterator[dict[str, Any]]:
    """Yield the arguments of the query `add_postings`: which documents contain each stem, and how often."""
    document_of_code = np.repeat(np.arange(len(indexed), dtype=np.uint64), indexed.lengths)
    pairs, counts = np.unique(indexed.codes.astype(np.uint64) << np.uint64(32) | document_of_code, return_counts=True)
    codes = (pairs >> np.uint64(32)).astype(">u4")
    places = (pairs & np.uint64(0xFFFFFFFF)).astype("<i4")
    counts = np.minimum(counts, 255).astype("<u1")
    starts = np.flatnonzero(np.concatenate([[True], codes[1:] != codes[:-1]])) if len(codes) else np.zeros(0, np.int64)
    ends = np.append(starts[1:], len(codes))
    for first in range(0, len(starts), STEMS_PER_STATEMENT):
        last = first + STEMS_PER_STATEMENT
        ranges = list(zip(starts[first:last], ends[first:last], strict=True))
        yield {
            "stems": [codes[start : start + 1].tobytes() for start, _ in ranges],
            "places": [places[start:end].tobytes() for start, end in ranges],
            "counts": [counts[start:end].tobytes() for start, end in ranges],
        }


def _publish(
    connection: Connection,
    lease: Lease,
    build: dict[str, Any],
    columns: IndexColumns,
    *,
    read_at: datetime,
    user_seq: int,
) -> None:
    """Replace the previous index by a complete build, in one transaction."""
    owner = lease.scope.key
    with long_transaction(connection):
        connection.execute(_SQL["lock_user"], owner)
        leases.release(connection, lease)
        connection.execute(_SQL["drop_columns"], owner)
        connection.execute(_SQL["add_columns"], build | {"read_at": read_at} | columns.pack())
        _drop_other_builds(connection, build)
        connection.execute(_SQL["mark_indexed"], owner | {"user_seq": user_seq})
        faults.point("index.before_commit")


def _drop_other_builds(connection: Connection, build: dict[str, Any]) -> None:
    connection.execute(_SQL["drop_postings"], build)
    connection.execute(_SQL["drop_cells"], build)


def _read_document_set(connection: Connection, scope: UserScope) -> DocumentSet:
    """Read all turns and current facts, without cosines."""
    statements = memory_queries.features(
        scope, QuestionText(""), Filters(), space_id=None, vector=None, pending=(), include_indexed=True
    )[: len(memory_queries.MEMORY_QUERIES)]
    answers = [
        connection.execute(statement.sql, statement.arguments, binary=statement.is_binary).fetchall()
        for statement in statements
    ]
    _, turns, facts, cosines, evidence, episodes = answers
    return documents.decode_document_set((), turns[0], facts[0], cosines, evidence[0], episodes[0])


def _places_of_vectors(document_set: DocumentSet) -> Mapping[VectorName, int]:
    """Return the place of the turn or fact of each vector. The places of facts follow those of all documents."""
    turns, facts = document_set.turns, document_set.facts
    document_count = len(turns) + len(document_set.standalone_facts())
    places = {("turn", key.item): place for place, key in enumerate(turns.keys) if isinstance(key, TurnKey)}
    return places | {("fact", str(key)): document_count + place for place, key in enumerate(facts.keys)}
