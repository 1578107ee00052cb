"""Read what a user's current facts are compared by: their stems and their vectors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from afterturn.consolidation import similarity
from afterturn.consolidation.decisions import KnownFact
from afterturn.consolidation.judgement import ShownFact
from afterturn.consolidation.similarity import FactStems
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.embedding import items
from afterturn.languages import stemming, texts

_SQL = queries.load("facts")

#: Facts whose vectors one statement reads. Larger: fewer round trips, but more memory (1 kB for each of 512
#: dimensions).
VECTORS_PER_PAGE = 10_000
#: What halfvec_send writes before the numbers: the dimension, and two bytes without a meaning.
_HEADER_BYTES = 4


def read_facts(connection: Connection, owner: Mapping[str, Any], fact_ids: Sequence[UUID]) -> list[KnownFact]:
    """Return those of these facts that are current, in the given order."""
    rows = connection.execute(_SQL["by_id"], {**owner, "fact_ids": list(fact_ids)}).fetchall()
    by_id = {row["fact_id"]: KnownFact(**row) for row in rows}
    return [by_id[fact_id] for fact_id in fact_ids if fact_id in by_id]


@dataclass(frozen=True, slots=True)
class CurrentStems:
    """The stems of all current facts of a user."""

    #: The ids, as texts.
    names: list[str]
    stems: FactStems

    def fact_ids_at(self, places: Iterable[int]) -> list[UUID]:
        """Return the ids of the facts at these places. A large memory has far more facts than are chosen."""
        return [UUID(self.names[place]) for place in places]


def read_current_stems(connection: Connection, owner: Mapping[str, Any]) -> CurrentStems | None:
    """Return the stems of a user's current facts; None if there are no facts."""
    row = connection.execute(_SQL["current_stems"], owner, binary=True).fetchone()
    if row is None or row["items"] is None:
        return None
    codes = np.frombuffer(row["stems"], dtype=">u4").astype(np.uint32)
    lengths = np.frombuffer(row["lengths"], dtype=">i4").astype(np.intp)
    return CurrentStems(row["items"], FactStems(codes=codes, lengths=lengths))


def read_stems(connection: Connection, statements: Sequence[str]) -> list[NDArray[np.uint32]]:
    """Return the stems of each of these texts."""
    columns = texts.as_columns([stemming.fact_input(statement) for statement in statements])
    rows = connection.execute(_SQL["stems_of_texts"], columns, binary=True).fetchall()
    return [np.frombuffer(row["stems"], dtype=">u4").astype(np.uint32) for row in rows]


def score_by_vectors(
    connection: Connection, owner: Mapping[str, Any], statements: Sequence[ShownFact], fact_names: Sequence[str]
) -> similarity.Scores:
    """Return the cosine of each statement (rows) and each fact (columns); -inf where one of them has no vector."""
    scores = np.full((len(statements), len(fact_names)), -np.inf, dtype=np.float32)
    row_of = {items.fact_name(statement.fact_id): row for row, statement in enumerate(statements)}
    own = connection.execute(_SQL["own_vectors"], {**owner, "items": list(row_of)}, binary=True).fetchall()
    if not own:
        return scores
    place_of = {name: place for place, name in enumerate(fact_names)}
    wanted = parse_vectors(b"".join(row["embedding"] for row in own), len(own))
    rows = [row_of[row["item"]] for row in own]
    for page_names, vectors in read_vector_pages(connection, owner):
        places = np.fromiter((place_of.get(name, -1) for name in page_names), dtype=np.intp)
        is_current = places >= 0
        scores[np.ix_(np.array(rows), places[is_current])] = similarity.score_by_vectors(wanted, vectors[is_current])
    return scores


def read_vector_pages(
    connection: Connection, owner: Mapping[str, Any]
) -> Iterator[tuple[list[str], similarity.Scores]]:
    """Yield the names and vectors of all facts and candidates in the serving space, a page at a time."""
    after = ""
    while True:
        arguments = {**owner, "after": after, "limit": VECTORS_PER_PAGE}
        row = connection.execute(_SQL["vector_page"], arguments, binary=True).fetchone()
        if row is None or row["items"] is None:
            return
        yield row["items"], parse_vectors(row["embeddings"], len(row["items"]))
        if len(row["items"]) < VECTORS_PER_PAGE:
            return
        after = row["items"][-1]


def parse_vectors(sent: bytes, count: int) -> similarity.Scores:
    """Return vectors of one space as the server's halfvec_send writes them, one after the other."""
    rows = np.frombuffer(sent, dtype=np.uint8).reshape(count, -1)[:, _HEADER_BYTES:]
    return np.ascontiguousarray(rows).view(">f2").astype(np.float32)
