"""Find the JSON object in the text of an answer, with or without text around it. All prompts use this reader.

Models write thoughts before the answer, prose around it, code fences, single items instead of the object with the list,
one object per line, or the object inside another one. Each JSON value in the text is read strictly, and if that fails,
repaired (trailing commas, single quotes, comments, missing quotes). An answer that ends inside its object is not
repaired: its rest is missing, so the model is asked again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any, get_args, get_origin

from pydantic import BaseModel

#: What ends the thoughts of a model that writes them into its answer. The answer follows the last one.
_END_OF_THOUGHTS = re.compile(
    r"</(?:think|thinking|thought|thoughts|reasoning|reflection|seed:think)>|\[/THINK\]|◁/think▷|<\|end_of_thought\|>"
    r"|<\|channel\|>final(?:<\|message\|>)?|<unused95>",
    re.IGNORECASE,
)

_BRACKETS = {"{": "}", "[": "]"}
_OPENING = re.compile(r"[{\[]")
_BEGUN_ANSWER = re.compile(r"\s*(```\w*)?\s*\[?\s*\{\s*[\"']")
_BEGUN_OBJECT = re.compile(r"\[?\s*\{\s*[\"']")
_TOKEN = re.compile(r'\\.|["{}\[\]]', re.DOTALL)

#: Objects in which the answer may be enclosed: {"answer": {"arguments": "{…}"}}.
_MAX_DEPTH = 4
#: The limit of unclosed brackets in prose. Each costs a search to the end of the text.
_MAX_UNCLOSED = 10
#: A longer value that is not JSON is not repaired: repairing takes about a second per megabyte.
_MAX_REPAIRED_CHARACTERS = 400_000


@dataclass(frozen=True, slots=True)
class _Form:
    """The form of an answer that follows a schema."""

    keys: frozenset[str]
    #: The field with the list of items, and the keys of an item; None if the schema has no such field.
    list_field: str | None
    item_keys: frozenset[str]
    #: Whether the items are strings.
    has_text_items: bool = False

    def fits(self, value: object) -> bool:
        """Return whether a value is an object of this form."""
        return isinstance(value, dict) and not self.keys.isdisjoint(value)

    def is_item(self, value: object) -> bool:
        """Return whether a value is one of the items of the list."""
        return isinstance(value, dict) and not self.item_keys.isdisjoint(value)


def find_object(text: str, schema: type[BaseModel]) -> dict[str, Any] | None:
    """Return the object of the form of `schema` in a text; None if there is none. Its values are not validated.

    If several objects fit, the fields of later ones take precedence: models correct themselves. Objects without
    anything between them (NDJSON) are parts of one answer: their lists are joined.
    """
    form = _form_of(schema)
    read = [_values_in(part) for part in _parts(text.lstrip("\ufeff"))]
    objects = (*(_fitting(*values, form) for values in read), *(_items(values, form) for values, _ in read))
    return next((found for found in objects if found is not None), None)


def is_cut_off(text: str) -> bool:
    """Return whether a text is the beginning of an object whose end is missing."""
    opening = _OPENING.search(text)
    return opening is not None and _BEGUN_ANSWER.match(text) is not None and _end_of_span(text, opening.start()) is None


def tidied(text: str, found: dict[str, Any]) -> str:
    """Return the text of an answer without what surrounds its object: unchanged if there is nothing else."""
    return text if _strict(text) == found else as_json(found)


def as_json(value: Any) -> str:
    """Return compact JSON, the same for the same value."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@lru_cache(maxsize=32)
def _form_of(schema: type[BaseModel]) -> _Form:
    for name, field in schema.model_fields.items():
        arguments = get_args(field.annotation)
        item = arguments[0] if get_origin(field.annotation) in (tuple, list) else None
        if isinstance(item, type) and issubclass(item, BaseModel):
            return _Form(frozenset(schema.model_fields), name, frozenset(item.model_fields))
        if item is str:
            return _Form(frozenset(schema.model_fields), name, frozenset(), has_text_items=True)
    return _Form(frozenset(schema.model_fields), None, frozenset())


def _parts(text: str) -> Iterator[str]:
    """Yield the parts of the text in which to look for the answer, the most likely one first."""
    ends = [match.end() for match in _END_OF_THOUGHTS.finditer(text)]
    if ends and not _BEGUN_ANSWER.match(text):
        # A tag in a JSON value is a part of a quoted message.
        quoted = [span for span in _spans(text) if isinstance(_read(text[slice(*span)]), dict | list)]
        ends = [end for end in ends if not any(start < end <= stop for start, stop in quoted)]
        if ends:
            yield text[ends[-1] :]
    yield text


def _fitting(values: Sequence[Any], is_pure: bool, form: _Form) -> dict[str, Any] | None:
    """Return the object that these values are, or enclose."""
    found = [inner for value in values if (inner := _unwrapped(value, form)) is not None]
    if not found:
        return None
    return _joined(found, form) if is_pure else _merged(found)


def _items(values: Sequence[Any], form: _Form) -> dict[str, Any] | None:
    """Return the object that contains these values as its list; an empty object for a single empty value."""
    items = [item for value in values for item in (value if isinstance(value, list) else [value]) if form.is_item(item)]
    if form.has_text_items:
        items = [item for value in values if isinstance(value, list) for item in value if isinstance(item, str)]
    if form.list_field is not None and items:
        return {form.list_field: items}
    empty = [value for value in values if value == {} or (value == [] and form.list_field is not None)]
    return {} if len(values) == 1 and empty else None


def _merged(objects: Sequence[dict[str, Any]]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for found in objects:
        merged |= found
    return merged


def _joined(objects: Sequence[dict[str, Any]], form: _Form) -> dict[str, Any]:
    name = form.list_field or ""
    lists = [found[name] for found in objects if isinstance(found.get(name), list)]
    return _merged(objects) | ({name: list(chain.from_iterable(lists))} if lists else {})


def _unwrapped(value: object, form: _Form, depth: int = 0) -> dict[str, Any] | None:
    """Return the object of the form that a value is, or encloses: as a value of an object, also written as a string."""
    if isinstance(value, str) and depth and value.lstrip().startswith("{"):
        value = _strict(value)
    if not isinstance(value, dict) or depth > _MAX_DEPTH:
        return None
    if form.fits(value):
        return value
    inner = (_unwrapped(nested, form, depth + 1) for nested in value.values())
    return None if form.is_item(value) else next((found for found in inner if found is not None), None)


def _values_in(text: str) -> tuple[list[Any], bool]:
    """Return the JSON values in a text, and whether there is nothing but whitespace between them."""
    value = _strict(text)
    if value is not _NOT_JSON:
        return [value], True
    values, between, end = [], [], 0
    for start, stop in _spans(text):
        value = _read(text[start:stop])
        if value is not _NOT_JSON:
            between.append(text[end:start])
            values.append(value)
            end = stop
    between.append(text[end:])
    return values, not "".join(between).strip(" \t\r\n,")


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield the start and the end of each outermost pair of brackets. A bracket that is never closed is skipped.

    An object that is never closed was cut off. What is complete in it is not the answer: it ends the search.
    """
    start, unclosed = 0, 0
    while unclosed < _MAX_UNCLOSED and (opening := _OPENING.search(text, start)):
        end = _end_of_span(text, opening.start())
        if end is None and _BEGUN_OBJECT.match(text, opening.start()):
            return
        if end is None:
            unclosed += 1
            start = opening.end()
            continue
        yield opening.start(), end
        start = end


def _end_of_span(text: str, start: int) -> int | None:
    """Return the position after the bracket that closes the one at `start`. Brackets in strings do not count."""
    closing: list[str] = []
    is_string = False
    for token in _TOKEN.finditer(text, start):
        character = token[0]
        if character == '"':
            is_string = not is_string
        elif is_string or len(character) > 1:
            continue
        elif character in _BRACKETS:
            closing.append(_BRACKETS[character])
        elif character != closing.pop():
            return None
        if not closing:
            return token.end()
    return None


#: What no JSON value is.
_NOT_JSON = object()


def _strict(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _NOT_JSON


def _read(text: str) -> Any:
    """Read one value strictly, and if that fails, repaired."""
    value = _strict(text)
    if value is not _NOT_JSON or len(text) > _MAX_REPAIRED_CHARACTERS:
        return value
    try:
        import json_repair
    except ImportError:
        # It comes with the SDK of the endpoints. Without that no model is asked.
        return _NOT_JSON
    try:
        value = json_repair.loads(text, skip_json_loads=True)
    except (ValueError, RecursionError):
        return _NOT_JSON
    # The library returns a string if it found no object.
    return value if isinstance(value, dict | list) else _NOT_JSON
