"""What workers and exports do with the documents of agent state in Redis."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast
from urllib.parse import quote, unquote

import redis

from afterturn.hot import keys, scripts
from afterturn.hot.entries import Entry
from afterturn.scopes import SessionScope, UserScope
from afterturn.user_store import Erasure


def field_of(scope: str, owner_id: str, key: str) -> str:
    """Return the field of a document in the hashes of its user."""
    return ":".join((scope, quote(owner_id, safe=""), quote(key, safe="")))


def parse_field(field: str) -> tuple[str, str, str]:
    """Return scope, owner id and key of a field: the inverse of `field_of`."""
    scope, owner_id, key = field.split(":")
    return scope, unquote(owner_id), unquote(key)


def mark_archived(client: redis.Redis, entries: Mapping[SessionScope, Sequence[Entry]], *, keep_seconds: int) -> None:
    """Let the documents whose entries Postgres has committed expire. Before the entries are removed from the streams.

    If the process dies in between, the entries are archived again without effect, and this is repeated.
    """
    for scope, done in entries.items():
        pairs: list[str] = []
        for entry in done:
            if (version := entry.state_version) is not None:
                pairs += (field_of(version.scope, version.owner_id, version.key), entry.stream_id)
        if pairs:
            touched = (keys.state(scope.user), keys.documents(scope.user))
            scripts.STATE_ARCHIVED.run(client, touched, keep_seconds, *pairs)


def records(client: redis.Redis, user: UserScope) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the user's documents and locks in Redis, each with its kind, for an export."""
    known = cast(dict[bytes, bytes], client.hgetall(keys.state(user)))
    for field in sorted(known):
        if not field.startswith(b"#"):
            scope, owner_id, key = parse_field(field.decode())
            text = cast(bytes | None, client.hget(keys.documents(user), field.decode()))
            row = {"scope": scope, "owner_id": owner_id, "key": key, "version": int(known[field].split(b" ")[0])}
            yield "state", row | {"document": None if text is None else json.loads(text)}
    for name in sorted(cast(list[bytes], client.hkeys(keys.locks(user)))):
        yield "lock", {"name": unquote(name.decode())}


def forget(client: redis.Redis, erasure: Erasure) -> int:
    """Remove the user's documents and locks. Returns the number of documents.

    Raises ResponseError with ERASED when a newer erasure is already completed.
    """
    user = erasure.user
    touched = (keys.erased(user, erasure.owner_hash), keys.state(user), keys.documents(user), keys.locks(user))
    return int(scripts.FORGET_STATE.run(client, touched, erasure.token))
