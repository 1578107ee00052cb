"""Operations on documents: embed what has to be found by similarity, then read and write in one transaction."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from afterturn.client.effects import EmbedTexts, GetEmbedder, Plan, RunTogether, read_rows
from afterturn.database.statement import Row, Statement
from afterturn.documents import encoding, operations, statements
from afterturn.documents.index import Index, TextEmbedder, Vectors
from afterturn.documents.operations import Answer, Get, ListNamespaces, Operation, Search
from afterturn.embedding.isolation import Refusal
from afterturn.errors import ModelError
from afterturn.recall import memory_queries
from afterturn.recall.question_embedder import QuestionEmbedder
from afterturn.scopes import UserScope

logger = logging.getLogger("afterturn.client")

#: Characters of a text that the database's model embeds. More: models cut the text, or refuse it.
TEXT_CHARACTERS = 24_000


@dataclass(frozen=True, slots=True)
class _ServingEmbedder(TextEmbedder):
    """The model whose vectors the database serves."""

    embedder: QuestionEmbedder

    def embed(self, texts: Sequence[str]) -> Mapping[str, Sequence[float]]:
        """Return text -> vector, without the texts that the model refuses. Raises ModelError."""
        outcomes = self.embedder.embed_texts([text[:TEXT_CHARACTERS] for text in texts])
        pairs = zip(texts, outcomes, strict=True)
        return {text: outcome for text, outcome in pairs if not isinstance(outcome, Refusal)}

    async def embed_async(self, texts: Sequence[str]) -> Mapping[str, Sequence[float]]:
        """Return text -> vector, like `embed`, computed in a thread."""
        return await asyncio.to_thread(self.embed, texts)


def run_batch(user: UserScope, batch: Sequence[Operation], index: Index | None) -> Plan[list[Answer]]:
    """Run operations in one transaction, all or none, and return their answers in order.

    Reads come first, whatever the order: they see the documents as they were before the batch. Of several puts of one
    document the last counts.

    Args:
        user: the owner of the documents.
        batch: the operations.
        index: how documents are indexed; None: not at all.

    Raises MemoryUnavailable, or the error of the caller's embedder.
    """
    puts = operations.last_puts(batch)
    queries = [each.query for each in batch if isinstance(each, Search) and each.query]
    texts = [*queries, *(text for put in puts for text in put.texts)]
    vectors = (yield from _embed(user, texts, index)) if index is not None and texts else None
    if vectors is not None and queries:
        assert index is not None
        yield from _add_missing(user, batch, index, vectors.space)
    return (yield from _run(user, batch, puts, vectors))


def _run(
    user: UserScope, batch: Sequence[Operation], puts: Sequence[operations.Put], vectors: Vectors | None
) -> Plan[list[Answer]]:
    """Send reads and writes together. Only documents with a time to live need another round trip: it begins again."""
    gets = [each for each in batch if isinstance(each, Get)]
    reads: list[Statement] = [statements.get(user, gets)] if gets else []
    reads += [_read(user, each, vectors) for each in batch if isinstance(each, Search | ListNamespaces)]
    writes = statements.write(user, puts, vectors) if puts else []
    answers = yield from RunTogether(user, [*reads, *writes])
    rows = iter(answers[: len(reads)])
    by_id = {row["document_id"]: row for row in next(rows)} if gets else {}
    refreshed = [by_id[each.name.document_id] for each in gets if each.refreshes and each.name.document_id in by_id]
    results: list[Answer] = []
    for each in batch:
        if isinstance(each, Get):
            found = by_id.get(each.name.document_id)
            results.append(None if found is None else operations.parse_document(found))
        elif isinstance(each, Search):
            documents = next(rows)
            refreshed += documents if each.refreshes else []
            results.append([operations.parse_document(row) for row in documents])
        elif isinstance(each, ListNamespaces):
            results.append([tuple(map(encoding.decode, row["namespace"])) for row in next(rows)])
        else:
            results.append(None)
    yield from _refresh(user, refreshed, puts)
    return results


def _read(user: UserScope, operation: Search | ListNamespaces, vectors: Vectors | None) -> Statement:
    if isinstance(operation, ListNamespaces):
        return statements.list_namespaces(user, operation)
    has_vector = vectors is not None and operation.query in vectors.by_text
    return statements.search(user, operation, vectors if has_vector else None)


def _refresh(user: UserScope, rows: Sequence[Row], puts: Sequence[operations.Put]) -> Plan[None]:
    """Begin the time to live of documents again. That of documents which the batch put has just begun."""
    written = {put.name.document_id for put in puts}
    ids = sorted({row["document_id"] for row in rows if row["has_ttl"]} - written)
    if ids:
        yield from RunTogether(user, [statements.refresh(user, ids)])


def _embed(user: UserScope, texts: Sequence[str], index: Index) -> Plan[Vectors | None]:
    """Return the vectors of the texts; None if the database's model gives none.

    Without that model, documents are stored without vectors, and a later search adds them. The error of the caller's
    own embedder is the caller's.
    """
    distinct = list(dict.fromkeys(texts))
    if index.own is not None:
        found = yield from EmbedTexts(index.own.embedder, distinct)
        return Vectors(space=index.own.space, similarity=index.own.similarity, by_text=found)
    embedder = yield from GetEmbedder()
    if embedder.needs_space:
        embedder.use((yield from read_rows(user, Statement(memory_queries.SQL["active_spaces"], {}))))
    if embedder.space_id is None:
        return None
    try:
        found = yield from EmbedTexts(_ServingEmbedder(embedder), distinct)
    except ModelError as error:
        logger.warning("documents have no vectors for now, and are searched without: %s", error)
        return None
    return Vectors(space=f"space {embedder.space_id}", by_text=found)


def _add_missing(user: UserScope, batch: Sequence[Operation], index: Index, space: str) -> Plan[None]:
    """Give vectors to documents that have none of this embedder: it was away, or it is another one than before."""
    prefixes = {each.prefix for each in batch if isinstance(each, Search) and each.query}
    wanted = [statements.without_vectors(user, prefix, space) for prefix in sorted(prefixes)]
    answers = yield from RunTogether(user, wanted)
    rows = list({row["document_id"]: row for some in answers for row in some}.values())
    if not rows:
        return
    texts = [_texts_of(row, index) for row in rows]
    found = yield from _embed(user, [text for some in texts for text in some], index)
    if found is None or found.space != space:
        return
    unreadable = [
        row["document_id"]
        for row, some in zip(rows, texts, strict=True)
        if not any(text in found.by_text for text in some)
    ]
    writes = [
        statements.lock_writes(),
        statements.lock_batch(user),
        statements.replace_vectors(user, rows, texts, found),
        statements.unindex(user, unreadable),
    ]
    yield from RunTogether(user, writes)


def _texts_of(row: Row, index: Index) -> Sequence[str]:
    value: dict[str, Any] = json.loads(row["value"])
    return index.read_texts(value, [encoding.decode(path) for path in row["index_paths"]])
