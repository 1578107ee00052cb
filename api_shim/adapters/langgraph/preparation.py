"""Operations of LangGraph as operations on documents. Everything is checked here, before anything runs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from langgraph.store.base import (
    GetOp,
    Item,
    ListNamespacesOp,
    MatchCondition,
    Op,
    PutOp,
    Result,
    SearchItem,
    SearchOp,
    get_text_at_path,
    validate_op_namespace,
)

from afterturn.documents import conditions, encoding
from afterturn.documents.operations import (
    Answer,
    Document,
    Get,
    ListNamespaces,
    Name,
    NamespaceMatch,
    Operation,
    Put,
    Search,
)
from afterturn.errors import InvalidInput


def prepare(ops: Iterable[Op], default_paths: Sequence[str] | None) -> list[Operation]:
    """Return the operations of a batch.

    Args:
        ops: the batch.
        default_paths: the paths that are indexed by default; None: nothing is indexed.

    Raises InvalidNamespaceError, InvalidInput (a ValueError), or TypeError if a value is not JSON.
    """
    return [_prepare(op, default_paths) for op in ops]


def read_texts(value: Mapping[str, Any], paths: Sequence[str]) -> list[str]:
    """Return the texts at these paths of a value."""
    return [text for path in paths for text in get_text_at_path(value, path) if text]


def to_results(operations: Sequence[Operation], answers: Sequence[Answer]) -> list[Result]:
    """Return the answers in LangGraph's types."""
    return [_to_result(operation, answer) for operation, answer in zip(operations, answers, strict=True)]


def _prepare(op: Op, default_paths: Sequence[str] | None) -> Operation:
    validate_op_namespace(op)
    match op:
        case GetOp():
            return Get(name=_name(op.namespace, op.key), refreshes=bool(op.refresh_ttl))
        case PutOp():
            return _prepare_put(op, default_paths)
        case SearchOp():
            return Search(
                prefix=tuple(op.namespace_prefix),
                condition=conditions.make_condition(op.filter),
                limit=op.limit,
                offset=op.offset,
                query=op.query if default_paths is not None else None,
                refreshes=bool(op.refresh_ttl),
            )
        case ListNamespacesOp():
            return ListNamespaces(
                matches=tuple(_prepare_match(each) for each in op.match_conditions or ()),
                max_depth=op.max_depth,
                limit=op.limit,
                offset=op.offset,
            )
        case _:
            raise InvalidInput(f"Unknown operation type: {type(op)}")


def _prepare_put(op: PutOp, default_paths: Sequence[str] | None) -> Put:
    name = _name(op.namespace, op.key)
    if op.value is None:
        return Put(name=name, value=None)
    if not isinstance(op.value, Mapping):
        raise InvalidInput(f"the value of an item is a dictionary, not {type(op.value).__name__}")
    value = encoding.to_json(dict(op.value))
    paths = tuple(default_paths or ()) if op.index is None else tuple(op.index or ())
    return Put(
        name=name,
        value=value,
        fields=encoding.to_fields_of(value),
        index_paths=paths,
        texts=tuple(read_texts(op.value, paths)) if default_paths is not None else (),
        ttl_minutes=_minutes(op.ttl),
    )


def _prepare_match(condition: MatchCondition) -> NamespaceMatch:
    if condition.match_type not in ("prefix", "suffix"):
        raise InvalidInput(f"Unsupported match type: {condition.match_type}")
    return NamespaceMatch(place=condition.match_type, labels=tuple(condition.path))


def _name(namespace: Iterable[str], key: object) -> Name:
    return Name(namespace=tuple(namespace), key=str(key))


def _minutes(ttl: float | None) -> float | None:
    if ttl is None:
        return None
    minutes = float(ttl)
    if not math.isfinite(minutes):
        raise InvalidInput(f"ttl must be a number of minutes, not {ttl!r}")
    return minutes


def _to_result(operation: Operation, answer: Answer) -> Result:
    if isinstance(answer, Document):
        return Item(**_fields(answer))
    if isinstance(operation, Search) and isinstance(answer, list):
        found = [each for each in answer if isinstance(each, Document)]
        return [SearchItem(**_fields(each), score=each.score) for each in found]
    return answer  # type: ignore[return-value]  # namespaces, or nothing


def _fields(document: Document) -> dict[str, Any]:
    return {
        "namespace": document.namespace,
        "key": document.key,
        "value": document.value,
        "created_at": document.created_at,
        "updated_at": document.updated_at,
    }
