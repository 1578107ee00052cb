"""Turns without secrets, as a writer stores them with AFTERTURN_TURN_SECRETS=redact.

Importing this takes some time: the rules for secrets are many regular expressions. Import it where it is needed.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from pydantic_core import to_json

from afterturn import session_items, turns
from afterturn.redaction import credentials
from afterturn.redaction.credentials import ScannedText
from afterturn.turns import Turn


def redact_payload(payload: bytes, known: Collection[str] = ()) -> tuple[bytes, frozenset[str]]:
    """Return the payload of a turn, redacted like `redact_turn`, and the secrets that its content shows.

    Such a secret is one in any other text too.
    """
    data = json.loads(payload)
    scanned = credentials.scan(data["content"])
    found = scanned.secrets()
    turn = _redact(turns.turn_from_payload(data), scanned, found.union(known))
    data["content"] = turn.content
    if "metadata" in data:
        data["metadata"] = turn.metadata
    return to_json(data), found


def redact_turn(turn: Turn, known: Collection[str] = ()) -> Turn:
    """Return the turn without the secrets in its content and metadata, and without those in `known`."""
    scanned = credentials.scan(turn.content)
    return _redact(turn, scanned, scanned.secrets().union(known))


def _redact(turn: Turn, scanned: ScannedText, known: frozenset[str]) -> Turn:
    metadata = _redact_metadata(turn.metadata, known) if turn.metadata else turn.metadata
    return replace(turn, content=scanned.redact(known), metadata=metadata)


def _redact_metadata(metadata: Mapping[str, Any], known: frozenset[str]) -> Mapping[str, Any]:
    """Return metadata without secrets. An item in it is redacted as the data that it encodes, so that it stays JSON."""
    text = metadata.get(session_items.METADATA_KEY)
    if not isinstance(text, str):
        return _redact_json(metadata, known)  # type: ignore[no-any-return]
    others = {key: value for key, value in metadata.items() if key != session_items.METADATA_KEY}
    try:
        item = session_items.encode(_redact_json(json.loads(text), known))
    except (ValueError, RecursionError):
        item = credentials.redact_value(None, text, known)
    return _redact_json(others, known) | {session_items.METADATA_KEY: item}  # type: ignore[no-any-return]


def _redact_json(value: Any, known: frozenset[str], name: str | None = None) -> Any:
    """Return JSON data without secrets. A string is judged together with its name in the object: `"password": …`."""
    if isinstance(value, str):
        return credentials.redact_value(name, value, known)
    if isinstance(value, list):
        return [_redact_json(item, known, name) for item in value]
    if isinstance(value, Mapping):
        return {key: _redact_json(item, known, key) for key, item in value.items()}
    return value
