"""Ids: what may be one, how new ones are made, how a fact's id follows from its origin."""

from __future__ import annotations

import os
import re
import time
import uuid

from afterturn.errors import InvalidId

ID_LIMIT_CHARACTERS = 200
#: How the ids of sessions begin that are not conversations.
RESERVED = "~"

#: Control characters, line and paragraph separators, lone surrogates: they break logs, keys and UTF-8.
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

#: A random hexadecimal digit -> one whose first two bits are those of RFC 9562 (binary 10).
_VARIANT = {f"{digit:x}": f"{0b1000 | digit & 0b11:x}" for digit in range(16)}

#: Namespace of ids that are derived, not minted.
_FACTS = uuid.UUID("b7a2f3c8-5b3e-5d0c-9a54-4c8f4d7d3f10")


def validated(name: str, value: object) -> str:
    """Return `value` when it may be an id.

    Raises InvalidId, naming the argument, when it is no string, empty, longer than 200 characters, or holds
    control characters.
    """
    if not isinstance(value, str):
        raise InvalidId(f"{name} must be a string, not {type(value).__name__}")
    if not value or len(value) > ID_LIMIT_CHARACTERS:
        raise InvalidId(f"{name} must have 1 to {ID_LIMIT_CHARACTERS} characters, not {len(value)}")
    if _FORBIDDEN.search(value):
        raise InvalidId(f"{name} must not hold control characters or lone surrogates")
    return value


def validated_session(value: object) -> str:
    """Return `value` when a caller may name a session so. Raises InvalidId, also for the ids that are reserved."""
    session_id = validated("session_id", value)
    if session_id.startswith(RESERVED):
        raise InvalidId(f"session_id must not begin with {RESERVED}: such sessions are afterturn's own")
    return session_id


def new_turn_id() -> str:
    """Mint a turn id: a UUID of version 7 (RFC 9562), so that ids sort by the time they were made."""
    # Not uuid.UUID: on the hot path, this takes a third of its time.
    time_digits, random = f"{time.time_ns() // 1_000_000:012x}", os.urandom(10).hex()
    version, variant = f"7{random[:3]}", f"{_VARIANT[random[3]]}{random[4:7]}"
    return f"{time_digits[:8]}-{time_digits[8:]}-{version}-{variant}-{random[7:19]}"


def fact_id(batch_id: uuid.UUID, prompt_version: str, model: str, index: int) -> uuid.UUID:
    """Derive the id of the fact at `index` of a batch's answer: the same answer always gives the same ids."""
    return uuid.uuid5(_FACTS, f"{batch_id}/{prompt_version}/{model}/{index}")


def manual_fact_id(tenant_id: str, user_id: str, turn_id: str, index: int) -> uuid.UUID:
    """Derive the id of the fact at `index` of a person's edit, which is known as soon as the edit has an id."""
    return uuid.uuid5(_FACTS, "\x00".join((tenant_id, user_id, turn_id, str(index))))


def version_id(old_id: uuid.UUID, retracted_id: uuid.UUID) -> uuid.UUID:
    """Derive the id of a fact's new version, which is current again because the fact after it was retracted."""
    return uuid.uuid5(old_id, str(retracted_id))
