"""The statements of operations on documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, LiteralString

from pgvector import HalfVector

from afterturn.database import queries
from afterturn.database.statement import Row, Statement
from afterturn.documents import encoding
from afterturn.documents.index import Vectors
from afterturn.documents.operations import Get, ListNamespaces, Namespace, Put, Search
from afterturn.scopes import UserScope

_SQL = queries.load("documents")

#: Characters of a namespace in the index by path: at most 1,024 bytes, so that an index row has room for the ids too.
_PATH_CHARACTERS = 256
#: Documents whose vectors of another embedder one search replaces. More: that search takes longer.
MISSING_LIMIT = 100


def get(user: UserScope, gets: Sequence[Get]) -> Statement:
    """Read several documents."""
    return Statement(_SQL["get"], user.key | {"ids": [operation.name.document_id for operation in gets]})


def search(user: UserScope, operation: Search, vectors: Vectors | None) -> Statement:
    """Read the documents that a search finds. `vectors` has the vector of the query; None: the newest come first."""
    arguments = _below(user, operation.prefix) | dict(operation.condition.arguments)
    arguments |= {"limit": operation.limit, "offset": operation.offset}
    if vectors is None or operation.query is None:
        return Statement(_with_conditions("search", operation.condition.sql), arguments)
    vector = vectors.by_text[operation.query]
    sql = _with_conditions("search_by_vector", operation.condition.sql)
    sql = sql.replace("/* score */ 0", _SQL[vectors.similarity])
    return Statement(sql, arguments | {"space": vectors.space, "query": HalfVector(list(vector))})


def without_vectors(user: UserScope, prefix: Namespace, space: str) -> Statement:
    """Read documents that have vectors of another embedder only."""
    arguments = _below(user, prefix) | {"space": space, "limit": MISSING_LIMIT}
    return Statement(_SQL["without_vectors"], arguments)


def replace_vectors(user: UserScope, rows: Sequence[Row], texts: Sequence[Sequence[str]], found: Vectors) -> Statement:
    """Store the vectors of the texts of documents that `without_vectors` returned."""
    encoded = [_encode_vectors(some, found) for some in texts]
    replaced = [(row, vectors) for row, vectors in zip(rows, encoded, strict=True) if vectors is not None]
    return Statement(
        _SQL["replace_vectors"],
        user.key
        | {
            "space": found.space,
            "ids": [row["document_id"] for row, _ in replaced],
            "versions": [row["updated_at"] for row, _ in replaced],
            "vectors": [vectors for _, vectors in replaced],
        },
    )


def list_namespaces(user: UserScope, operation: ListNamespaces) -> Statement:
    """List namespaces."""
    sql: LiteralString = ""
    arguments: dict[str, Any] = {}
    for number, match in enumerate(operation.matches):
        if match.labels:
            name = f"labels_{number}"
            arguments[name] = [encoding.encode(label) for label in match.labels]
            sql = sql + " AND " + _SQL[match.place].replace("%(labels)s", f"%({name})s")
    arguments |= {"max_depth": operation.max_depth, "limit": operation.limit, "offset": operation.offset}
    return Statement(_with_conditions("list_namespaces", sql), user.key | arguments)


def refresh(user: UserScope, document_ids: Sequence[bytes]) -> Statement:
    """Begin the time to live of documents again."""
    return Statement(_SQL["refresh"], user.key | {"ids": list(document_ids)})


def write(user: UserScope, puts: Sequence[Put], vectors: Vectors | None) -> list[Statement]:
    """Store and delete documents. No two puts are of the same document."""
    stored = [_put(user, put, vectors) for put in puts if put.value is not None]
    if len(puts) == 1 and stored:
        return stored
    statements = [lock_writes(), lock_batch(user)]
    if deleted := [put.name.document_id for put in puts if put.value is None]:
        statements.append(Statement(_SQL["delete"], user.key | {"ids": deleted}))
    return [*statements, *stored]


def lock_writes() -> Statement:
    """Let an erasure of the user wait for this transaction, or wait for the erasure."""
    return Statement(_SQL["lock_writes"], {})


def lock_batch(user: UserScope) -> Statement:
    """Wait for other transactions that write several documents of the user."""
    return Statement(_SQL["lock_batch"], user.key)


def unindex(user: UserScope, document_ids: Sequence[bytes]) -> Statement:
    """Let documents be without vectors."""
    return Statement(_SQL["unindex"], user.key | {"ids": list(document_ids)})


def _put(user: UserScope, put: Put, vectors: Vectors | None) -> Statement:
    """Store a document."""
    labels = [encoding.encode(label) for label in put.name.namespace]
    embeddings = None if vectors is None else _encode_vectors(put.texts, vectors)
    return Statement(
        _SQL["put"],
        user.key
        | {
            "document_id": put.name.document_id,
            "namespace": labels,
            "key": encoding.encode(put.name.key),
            "path_start": _path(labels),
            "value": put.value,
            "fields": put.fields,
            "index_paths": [encoding.encode(path) for path in put.index_paths] if put.texts else None,
            "space": None if vectors is None or embeddings is None else vectors.space,
            "vectors": embeddings,
            "ttl": put.ttl_minutes,
        },
        names_user=True,
    )


def _below(user: UserScope, prefix: Namespace) -> dict[str, Any]:
    """Return the arguments for the documents of a namespace and those below it."""
    labels = [encoding.encode(label) for label in prefix]
    path = _path(labels)
    # A label contains no period, and "/" follows the period: the range has the namespace and everything below it.
    is_cut = len(path) == _PATH_CHARACTERS
    path_to = path + ("\x01" if is_cut else "/") if labels else None
    path_below = path + "." if labels else ""
    place = {"prefix": labels, "path_from": path, "path_below": path_below, "path_to": path_to}
    return user.key | place | {"is_cut": is_cut}


def _path(labels: Sequence[str]) -> str:
    return ".".join(labels)[:_PATH_CHARACTERS]


def _with_conditions(name: str, conditions: LiteralString) -> LiteralString:
    return _SQL[name].replace("/* conditions */", conditions)


def _encode_vectors(texts: Sequence[str], vectors: Vectors) -> str | None:
    """Return an array of the vectors of the texts, in the form of a text; None if no text has one."""
    found = [vectors.by_text[text] for text in texts if text in vectors.by_text]
    if not found:
        return None
    return "{" + ",".join(f'"[{",".join(map(repr, map(float, vector)))}]"' for vector in found) + "}"
