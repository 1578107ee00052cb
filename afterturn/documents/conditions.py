"""Filters of documents as SQL.

A filter is a dictionary: field -> value. A field that is missing is null. A value is compared by equality; a dictionary
is compared field by field, and other fields are ignored; a list is compared element by element. A dictionary with
operators compares by these: $eq, $ne, $gt, $gte, $lt, $lte. Numbers are ordered as numbers and texts by code points; a
field of another type matches no order.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, LiteralString

from afterturn import turns
from afterturn.database import queries
from afterturn.documents import encoding
from afterturn.errors import InvalidInput

_SQL = queries.load("document_filters")

#: Operator -> the name of its query.
_ORDERS = {"$gt": "greater", "$gte": "greater_or_equal", "$lt": "less", "$lte": "less_or_equal"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A condition in SQL, which follows other conditions, and its arguments."""

    sql: LiteralString = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)


def make_condition(filters: Mapping[str, Any] | None) -> Condition:
    """Return the condition of a filter. Raises InvalidInput if it has an unknown operator, or one that does not fit."""
    sql: LiteralString = ""
    arguments: dict[str, Any] = {}
    for name, value in (filters or {}).items():
        for template, parameters in _compare([str(name)], value):
            place = f"filter_{len(arguments)}"
            numbered: dict[str, Any] = {}
            for parameter, argument in parameters.items():
                numbered[f"{place}_{parameter}"] = argument
                template = template.replace(f"%({parameter})s", f"%({place}_{parameter})s")
            sql = sql + " AND " + template
            arguments |= numbered
    return Condition(sql=sql, arguments=arguments)


def _compare(path: list[str], value: Any) -> Iterator[tuple[LiteralString, dict[str, Any]]]:
    """Yield the queries that compare the field at a path with a value, each with its arguments."""
    stored_path = [turns.make_storable(name) for name in path]
    if isinstance(value, Mapping):
        if any(isinstance(name, str) and name.startswith("$") for name in value):
            for operator, operand in value.items():
                yield _operate(stored_path, operator, operand)
            return
        yield _SQL["is_type"], {"path": stored_path, "type": "object"}
        for name, each in value.items():
            yield from _compare([*path, str(name)], each)
    elif isinstance(value, list | tuple):
        yield _SQL["is_array"], {"path": stored_path, "length": len(value)}
        for index, each in enumerate(value):
            yield from _compare([*path, str(index)], each)
    else:
        yield _SQL["equal"], {"path": stored_path, "value": _to_fields(value)}


def _operate(path: list[str], operator: object, operand: Any) -> tuple[LiteralString, dict[str, Any]]:
    if operator == "$eq":
        return _SQL["equal"], {"path": path, "value": _to_fields(operand)}
    if operator == "$ne":
        return _SQL["unequal"], {"path": path, "value": _to_fields(operand)}
    if not isinstance(operator, str) or operator not in _ORDERS:
        raise InvalidInput(f"Unsupported operator: {operator}")
    order = _ORDERS[operator]
    if isinstance(operand, str):
        return _SQL[f"{order}_text"], {"path": path, "value": turns.make_storable(operand)}
    if not isinstance(operand, int | float):
        raise InvalidInput(f"{operator} compares with a number or a text, not with {type(operand).__name__}")
    if math.isnan(operand):
        return _SQL["never"], {"path": path}
    return _SQL[f"{order}_number"], {
        "path": path,
        "value": str(float(operand) if isinstance(operand, bool) else operand),
    }


def _to_fields(value: Any) -> str:
    try:
        return encoding.to_fields(value)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"a filter compares with a JSON value: {error}") from error
