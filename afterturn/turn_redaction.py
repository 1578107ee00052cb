"""Turns without secrets, as a writer stores them with AFTERTURN_TURN_SECRETS=redact.

Importing this takes some time: the rules for secrets are many regular expressions. Import it where it is needed.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from pydantic_core import to_json

from afterturn import turns
from afterturn.redaction import credentials
from afterturn.turns import Turn


def redact_payload(payload: bytes, known: Collection[str] = ()) -> tuple[bytes, frozenset[str]]:
    """Return the payload of a turn, redacted like `redact_turn`, and the secrets that its content shows.

    Such a secret is one in any other text too.
    """
    data = json.loads(payload)
    found = credentials.find_secrets(data["content"])
    turn = _redact(turns.turn_from_payload(data), found.union(known))
    data["content"] = turn.content
    if "metadata" in data:
        data["metadata"] = turn.metadata
    return to_json(data), found


def redact_turn(turn: Turn, known: Collection[str] = ()) -> Turn:
    """Return the turn without the secrets in its content and metadata, and without those in `known`."""
    return _redact(turn, credentials.find_secrets(turn.content).union(known))


def _redact(turn: Turn, known: frozenset[str]) -> Turn:
    metadata = _redact_json(turn.metadata, known) if turn.metadata else turn.metadata
    return replace(turn, content=credentials.redact(turn.content, known), metadata=metadata)


def _redact_json(value: Any, known: frozenset[str], name: str | None = None) -> Any:
    """Return JSON data without secrets. A string is judged together with its name in the object: `"password": …`."""
    if isinstance(value, str):
        return credentials.redact_value(name, value, known)
    if isinstance(value, list):
        return [_redact_json(item, known, name) for item in value]
    if isinstance(value, Mapping):
        return {key: _redact_json(item, known, key) for key, item in value.items()}
    return value
