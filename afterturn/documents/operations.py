"""The operations on documents, and their results."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Literal, TypeAlias

from afterturn.documents import encoding
from afterturn.documents.conditions import Condition
from afterturn.errors import InvalidInput

Namespace: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document as it was read."""

    namespace: Namespace
    key: str
    value: dict[str, Any]
    created_at: datetime
    #: Later with each put of the same document.
    updated_at: datetime
    #: The similarity to the query; None without a query, and if the document has no vectors.
    score: float | None = None


@dataclass(frozen=True, kw_only=True)
class Name:
    """What identifies a document of a user."""

    namespace: Namespace
    key: str

    @cached_property
    def document_id(self) -> bytes:
        """The primary key."""
        return hashlib.sha256(json.dumps([self.namespace, self.key]).encode()).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """Store a document, or delete it."""

    name: Name
    #: The value as JSON; None: delete the document.
    value: str | None
    #: The value as JSON that jsonb can contain.
    fields: str | None = None
    #: The paths in the value whose texts get vectors.
    index_paths: tuple[str, ...] = ()
    #: The texts at these paths.
    texts: tuple[str, ...] = ()
    #: How long the document lives after its last use; None: without end.
    ttl_minutes: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Get:
    """Read one document."""

    name: Name
    #: Whether the time to live begins again.
    refreshes: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Read documents below a namespace."""

    prefix: Namespace
    condition: Condition
    limit: int
    offset: int
    #: The most similar documents come first; without a query, the newest.
    query: str | None
    #: Whether the time to live of the documents that are found begins again.
    refreshes: bool

    def __post_init__(self) -> None:
        validate_page(self.limit, self.offset)


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceMatch:
    """A condition on namespaces. A label "*" matches any label."""

    place: Literal["prefix", "suffix"]
    labels: Namespace


@dataclass(frozen=True, slots=True, kw_only=True)
class ListNamespaces:
    """List the namespaces that have documents, in their order."""

    matches: tuple[NamespaceMatch, ...]
    #: Namespaces are cut after this many labels; None: not.
    max_depth: int | None
    limit: int
    offset: int

    def __post_init__(self) -> None:
        validate_page(self.limit, self.offset)


Operation: TypeAlias = Put | Get | Search | ListNamespaces
#: The answer to one operation: nothing to a put; a document or nothing; documents; namespaces.
Answer: TypeAlias = Document | list[Document] | list[Namespace] | None


def validate_page(limit: object, offset: object) -> None:
    """Raise InvalidInput unless both are integers that are not negative."""
    for name, value in (("limit", limit), ("offset", offset)):
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
            raise InvalidInput(f"{name} must be an integer of 0 or more, not {value!r}")


def last_puts(operations: Sequence[Operation]) -> list[Put]:
    """Return the last put of each document, in the order of the puts."""
    puts: dict[bytes, Put] = {}
    for operation in operations:
        if isinstance(operation, Put):
            puts.pop(operation.name.document_id, None)
            puts[operation.name.document_id] = operation
    return list(puts.values())


def parse_document(row: Mapping[str, Any]) -> Document:
    """Return the document of a row."""
    return Document(
        namespace=tuple(encoding.decode(label) for label in row["namespace"]),
        key=encoding.decode(row["key"]),
        value=json.loads(row["value"]),
        created_at=encoding.in_utc(row["created_at"]),
        updated_at=encoding.in_utc(row["updated_at"]),
        score=None if row.get("score") is None else float(row["score"]),
    )
