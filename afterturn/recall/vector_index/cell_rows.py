"""The rows of the table `index_cells`: the vectors of a memory, assigned to cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.embedding import items
from afterturn.recall.vector_index import cells
from afterturn.recall.vector_index.cells import SAMPLE_CELL, Spread, VectorName, Vectors
from afterturn.recall.vector_index.columns import IndexColumns
from afterturn.recall.vector_index.long_transaction import long_transaction
from afterturn.scopes import UserScope

_SQL = queries.load("vector_index")

#: The number of vectors after which a chunk of cells is inserted.
VECTORS_PER_CHUNK = 10_000
#: The number of vectors that one statement reads.
PAGE_SIZE = 5_000


def chunks(
    connection: Connection,
    scope: UserScope,
    space_id: int | None,
    places: Mapping[VectorName, int],
    columns: IndexColumns,
    spreads: Mapping[str, Spread],
) -> Iterator[dict[str, Any]]:
    """Yield the arguments of the query `add_cells`, some cells at a time, the sample cell first.

    Args:
        connection: not in a transaction.
        scope: whose memory.
        space_id: of the vectors; None: nothing is yielded.
        places: the place of the turn or fact of each vector.
        columns: of the index.
        spreads: by kind; all vectors are added to them.
    """
    space = scope.key | {"space_id": space_id}
    sample = _read_sample(connection, space)
    if not sample:
        return
    centres = cells.find_centres(sample, max(1, len(sample) // cells.SAMPLED_PER_CELL))
    name_at = {place: name for name, place in places.items()}
    yield _chunk(centres, {SAMPLE_CELL: cells.sample_turns(columns)}, name_at)
    chunk: dict[int, Sequence[int]] = {}
    cells_with_places = _assign_to_cells(connection, space, places, centres, spreads)
    for cell, cell_places in enumerate(cells_with_places):
        chunk[cell] = cell_places
        if sum(map(len, chunk.values())) >= VECTORS_PER_CHUNK or cell == len(centres) - 1:
            yield _chunk(centres, chunk, name_at)
            chunk = {}


def _read_sample(connection: Connection, space: dict[str, Any]) -> list[bytes]:
    """Return a sample of the vectors, large enough to find the centres of the cells."""
    row = connection.execute(_SQL["count_vectors"], space).fetchone()
    assert row is not None, "a count is always one row"
    every = max(1, row["count"] // (cells.cell_count(row["count"]) * cells.SAMPLED_PER_CELL))
    with long_transaction(connection):
        rows = connection.execute(_SQL["sample_vectors"], space | {"every": every}, binary=True).fetchall()
    return [row["embedding"] for row in rows]


def _assign_to_cells(
    connection: Connection,
    space: dict[str, Any],
    places: Mapping[VectorName, int],
    centres: Vectors,
    spreads: Mapping[str, Spread],
) -> list[list[int]]:
    """Return for each cell the places of the turns and facts whose vectors are nearest to its centre."""
    places_of_cell: list[list[int]] = [[] for _ in range(len(centres))]
    for kind in ("fact", "turn"):
        for page in _pages(connection, space | {"kind": kind}):
            embeddings = [row["embedding"] for row in page]
            spreads[kind].add(embeddings)
            for row, cell in zip(page, cells.nearest_centres(centres, embeddings), strict=True):
                place = places.get((kind, row["item"]))
                if place is not None:
                    places_of_cell[cell].append(place)
    return places_of_cell


def _pages(connection: Connection, arguments: dict[str, Any]) -> Iterator[Sequence[Mapping[str, Any]]]:
    after = ""
    while True:
        page = connection.execute(
            _SQL["next_vectors"], arguments | {"after": after, "limit": PAGE_SIZE}, binary=True
        ).fetchall()
        if not page:
            return
        yield page
        after = page[-1]["item"]


def _chunk(
    centres: Vectors, places_of_cell: Mapping[int, Sequence[int]], name_at: Mapping[int, VectorName]
) -> dict[str, Any]:
    pairs = [(cell, place) for cell, places in places_of_cell.items() for place in places if place in name_at]
    return {
        "cells": list(places_of_cell),
        "centres": [None if cell < 0 else items.halfvec(centres[cell].tolist()) for cell in places_of_cell],
        "in_cells": [cell for cell, _ in pairs],
        "places": [place for _, place in pairs],
        "kinds": [name_at[place][0] for _, place in pairs],
        "items": [name_at[place][1] for _, place in pairs],
    }
