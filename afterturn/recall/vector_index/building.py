"""Making the index of a large memory, in a worker. Nothing reads it before it is whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np

from afterturn import faults
from afterturn.batches import leases
from afterturn.batches.leases import Lease
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.embedding import items
from afterturn.recall import documents, filters, lexical, memory_queries, stems
from afterturn.recall.document_keys import TurnKey
from afterturn.recall.documents import Documents, Memory
from afterturn.recall.vector_index import cells
from afterturn.recall.vector_index.cells import Centres, Owner, Spread
from afterturn.recall.vector_index.columns import IS_USER, TELLS_TIME, Columns, Places
from afterturn.scopes import UserScope

_SQL = queries.load("large")

#: Rows of postings, and vectors in cells, that one statement adds.
STEMS_AT_ONCE = 5_000
VECTORS_AT_ONCE = 10_000
#: Vectors that are read at once.
PAGE = 5_000
MOST_SPEAKERS = 65_535


def build(
    connection: Connection, scope: UserScope, lease: Lease, *, space_id: int | None, read_at: datetime, user_seq: int
) -> None:
    """Index a user's memory as it is now, and let go of the index before.

    Args:
        connection: outside of any transaction.
        scope: whose memory.
        lease: held by the caller; ends with the work.
        space_id: whose vectors; None where there are none.
        read_at: the database's time, before anything was read.
        user_seq: the number of the user's next batch at that time.

    Raises StaleLease when somebody took a turn back, or forgot the user, meanwhile; then nothing of it counts.
    """
    owner = scope.key
    with _in_time(connection):
        memory = _read(connection, scope)
    held, alone = _documents(memory)
    space = owner | {"space_id": space_id}
    spreads = {"turn": Spread(), "fact": Spread()}
    columns = _columns(memory, held, alone, space_id)
    row = connection.execute(_SQL["new_build"]).fetchone()
    assert row is not None
    build: dict[str, Any] = owner | {"build": row["build"]}
    for chunk in _postings(held):
        with _in_time(connection):
            leases.fence(connection, lease)
            connection.execute(_SQL["add_postings"], build | chunk)
    faults.point("index.postings_stored")
    for chunk in _cells(connection, space, _owners(memory, alone), columns, spreads):
        with _in_time(connection):
            leases.fence(connection, lease)
            connection.execute(_SQL["add_cells"], build | space | chunk)
    faults.point("index.cells_stored")
    columns = replace(columns, spread_of_turns=spreads["turn"].packed(), spread_of_facts=spreads["fact"].packed())
    with _in_time(connection):
        connection.execute(_SQL["lock_user"], owner)
        leases.release(connection, lease)
        connection.execute(_SQL["drop_columns"], owner)
        connection.execute(_SQL["add_columns"], build | {"read_at": read_at} | columns.packed())
        _drop_others(connection, build)
        connection.execute(_SQL["indexed"], owner | {"user_seq": user_seq})
        faults.point("index.before_commit")


def drop(connection: Connection, scope: UserScope) -> None:
    """Drop a memory's index, and let nobody finish one: something that is in it was taken back.

    In the caller's transaction, under the user's row lock. The memory is read as a whole until the next one is made.
    """
    owner = scope.key
    connection.execute(_SQL["seize_lease"], owner)
    if connection.execute(_SQL["drop_columns"], owner).rowcount:
        connection.execute(_SQL["indexed"], owner | {"user_seq": 0})
    _drop_others(connection, owner | {"build": 0})


@contextmanager
def _in_time(connection: Connection) -> Iterator[None]:
    """Open a transaction whose statements may take long."""
    with connection.transaction():
        connection.execute(_SQL["allow_time"])
        yield


def _drop_others(connection: Connection, build: dict[str, Any]) -> None:
    connection.execute(_SQL["drop_postings"], build)
    connection.execute(_SQL["drop_cells"], build)


def _read(connection: Connection, scope: UserScope) -> Memory:
    """Read all turns and current facts, as recall does, but no cosines."""
    wanted = memory_queries.features(
        scope, "", filters.Filters(), space_id=None, vector=None, pending=(), is_whole=True
    )
    results = [
        connection.execute(one.sql, one.arguments, binary=one.is_binary).fetchall()
        for one in wanted[: len(memory_queries.OF_MEMORY)]
    ]
    question, turns, facts, cosines, evidence, episodes = results
    return documents.read(question, turns[0], facts[0], cosines, evidence[0], episodes[0])


def _documents(memory: Memory) -> tuple[Documents, Places]:
    """Return turns and then facts that rest on none, as one; and the places of these among the facts."""
    resting = np.zeros(len(memory.facts), dtype=np.bool_)
    resting[memory.evidence[0]] = True
    alone = np.flatnonzero(~resting)
    return documents.joined([memory.turns, documents.chosen(memory.facts, alone)]), alone


def _columns(memory: Memory, held: Documents, alone: Places, space_id: int | None) -> Columns:
    turns = memory.turns
    keys = [key for key in turns.keys if isinstance(key, TurnKey)]
    speakers = list(dict.fromkeys(held.speaker))[:MOST_SPEAKERS]
    numbers = {name: number for number, name in enumerate(speakers)}
    time_codes = [stems.code(stem) for stem in stems.TIME_STEMS]
    tells_time = lexical.counts(held, time_codes).any(axis=1)
    return Columns(
        space_id=space_id,
        turns=len(turns),
        sessions=list(dict.fromkeys(key.session_id for key in keys)),
        session_sizes=np.bincount(turns.session) if len(turns) else turns.session,
        speakers=speakers,
        positions=np.array([key.position for key in keys], dtype=np.int64),
        stems=np.minimum(held.sizes, np.iinfo(np.uint16).max),
        traits=held.is_user.astype(np.uint8) * IS_USER | tells_time.astype(np.uint8) * TELLS_TIME,
        speaker=np.array([numbers.get(name, 0) for name in held.speaker], dtype=np.int64),
        months=held.said_at.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64),
        fact_ids=b"".join(key.bytes for key in memory.facts.keys),  # type: ignore[union-attr]
        evidence_facts=memory.evidence[0],
        evidence_turns=memory.evidence[1],
        alone=alone,
        spread_of_turns=b"",
        spread_of_facts=b"",
    )


def _postings(held: Documents) -> Iterator[dict[str, Any]]:
    """Yield, some stems at a time, in which documents they stand and how often."""
    owners = np.repeat(np.arange(len(held), dtype=np.uint64), held.sizes)
    pairs, counts = np.unique(held.codes.astype(np.uint64) << np.uint64(32) | owners, return_counts=True)
    codes = (pairs >> np.uint64(32)).astype(">u4")
    places = (pairs & np.uint64(0xFFFFFFFF)).astype("<i4")
    counts = np.minimum(counts, 255).astype("<u1")
    starts = np.flatnonzero(np.concatenate([[True], codes[1:] != codes[:-1]])) if len(codes) else np.zeros(0, np.int64)
    ends = np.append(starts[1:], len(codes))
    for first in range(0, len(starts), STEMS_AT_ONCE):
        ranges = list(zip(starts[first : first + STEMS_AT_ONCE], ends[first : first + STEMS_AT_ONCE], strict=True))
        yield {
            "stems": [codes[start : start + 1].tobytes() for start, _ in ranges],
            "places": [places[start:end].tobytes() for start, end in ranges],
            "counts": [counts[start:end].tobytes() for start, end in ranges],
        }


def _owners(memory: Memory, alone: Places) -> Mapping[Owner, int]:
    """Return the place of each vector's owner: turns, and behind all documents the facts."""
    first_fact = len(memory.turns) + len(alone)
    turns = {("turn", key.item): place for place, key in enumerate(memory.turns.keys) if isinstance(key, TurnKey)}
    return turns | {("fact", str(key)): first_fact + place for place, key in enumerate(memory.facts.keys)}


def _drawn(connection: Connection, space: dict[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return a sample of the vectors, large enough to find the centres of the cells."""
    row = connection.execute(_SQL["count_vectors"], space).fetchone()
    assert row is not None
    every = max(1, row["count"] // (cells.wanted(row["count"]) * cells.SAMPLED_PER_CELL))
    with _in_time(connection):
        return connection.execute(_SQL["sampled_vectors"], space | {"every": every}, binary=True).fetchall()


def _cells(
    connection: Connection,
    space: dict[str, Any],
    owners: Mapping[Owner, int],
    columns: Columns,
    spreads: Mapping[str, Spread],
) -> Iterator[dict[str, Any]]:
    """Yield cells with whose vectors they hold, some at a time, the sample first; and count the vectors in."""
    drawn = _drawn(connection, space)
    if not drawn:
        return
    centres = cells.centres([one["embedding"] for one in drawn], max(1, len(drawn) // cells.SAMPLED_PER_CELL))
    names = {place: owner for owner, place in owners.items()}
    yield _chunk(centres, [-1], {-1: cells.sample(columns)}, names)
    by_cell: dict[int, list[int]] = {cell: [] for cell in range(len(centres))}
    for kind in ("fact", "turn"):
        for page in _pages(connection, space | {"kind": kind}):
            embeddings = [one["embedding"] for one in page]
            spreads[kind].add(embeddings)
            nearest = cells.nearest(centres, embeddings)
            for one, cell in zip(page, nearest, strict=True):
                place = owners.get((kind, one["item"]))
                if place is not None:
                    by_cell[cell].append(place)
    some: list[int] = []
    for cell in by_cell:
        some.append(cell)
        if sum(len(by_cell[one]) for one in some) >= VECTORS_AT_ONCE or cell == len(centres) - 1:
            yield _chunk(centres, some, by_cell, names)
            some = []


def _pages(connection: Connection, kind: dict[str, Any]) -> Iterator[Sequence[Mapping[str, Any]]]:
    after = ""
    while True:
        page = connection.execute(_SQL["next_vectors"], kind | {"after": after, "limit": PAGE}, binary=True).fetchall()
        if not page:
            return
        yield page
        after = page[-1]["item"]


def _chunk(
    centres: Centres, chosen: Sequence[int], by_cell: Mapping[int, Sequence[int]], names: Mapping[int, Owner]
) -> dict[str, Any]:
    pairs = [(cell, place) for cell in chosen for place in by_cell[cell] if place in names]
    return {
        "cells": list(chosen),
        "centres": [None if cell < 0 else items.halfvec(centres[cell].tolist()) for cell in chosen],
        "in_cells": [cell for cell, _ in pairs],
        "places": [place for _, place in pairs],
        "kinds": [names[place][0] for _, place in pairs],
        "items": [names[place][1] for _, place in pairs],
    }
