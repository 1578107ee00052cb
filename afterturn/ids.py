"""Ids: validate those of callers, create those of turns, derive those of facts."""

from __future__ import annotations

import hashlib
import os
import re
import time
import uuid

from afterturn.errors import InvalidId

ID_LIMIT_CHARACTERS = 200
#: An index row takes 2,704 bytes at the most, and the unique index of turns has four ids. 600 bytes are 200 characters
#: of every script in the Basic Multilingual Plane, or 150 emoji.
ID_LIMIT_BYTES = 600
#: Prefix of the session ids that afterturn uses for itself. Callers must not use it.
RESERVED_PREFIX = "~"
#: Prefix of the user ids of memories that belong to a session, not to a user. Callers must not use it.
SESSION_MEMORY_PREFIX = "~session:"
#: What precedes a digest in the place of a session id that is too long. A session id that begins with it is replaced by
#: its digest, too, so that no two sessions have the same memory.
_DIGEST_PREFIX = "sha256:"

#: Control characters, line and paragraph separators, lone surrogates: they break logs, keys and UTF-8.
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

#: Maps a random hexadecimal digit to one whose first two bits are the variant of RFC 9562 (binary 10).
_VARIANT_DIGITS = {f"{digit:x}": f"{0b1000 | digit & 0b11:x}" for digit in range(16)}

#: UUID namespace of derived fact ids.
_FACT_NAMESPACE = uuid.UUID("b7a2f3c8-5b3e-5d0c-9a54-4c8f4d7d3f10")


def validate_id(name: str, value: object) -> str:
    """Return `value` if it is a valid id for something that is written.

    Args:
        name: the argument's name, for the error message.
        value: what the caller passed.

    Raises InvalidId when `value` is not a string, is empty, is longer than 200 characters or 600 bytes of UTF-8, or
    contains control characters or lone surrogates.
    """
    known = validate_known_id(name, value)
    # Up to four bytes for each character.
    if len(known) * 4 > ID_LIMIT_BYTES and not known.isascii() and len(known.encode()) > ID_LIMIT_BYTES:
        raise InvalidId(f"{name} must have at most {ID_LIMIT_BYTES} bytes in UTF-8, not {len(known.encode())}")
    return known


def validate_known_id(name: str, value: object) -> str:
    """Return `value` if it may be the id of something that is stored already.

    Release 0.1 did not limit the bytes of ids. What was stored then can be exported and forgotten. Raises InvalidId.
    """
    if not isinstance(value, str):
        raise InvalidId(f"{name} must be a string, not {type(value).__name__}")
    if not value or len(value) > ID_LIMIT_CHARACTERS:
        raise InvalidId(f"{name} must have 1 to {ID_LIMIT_CHARACTERS} characters, not {len(value)}")
    if _FORBIDDEN.search(value):
        raise InvalidId(f"{name} must not contain control characters or lone surrogates")
    return value


def validate_session_id(value: object) -> str:
    """Return `value` if a caller may use it as a session id. Raises InvalidId, also for reserved ids."""
    session_id = validate_id("session_id", value)
    if session_id.startswith(RESERVED_PREFIX):
        raise InvalidId(f"session_id must not begin with {RESERVED_PREFIX}: afterturn reserves these ids")
    return session_id


def validate_user_id(value: object, name: str = "user_id") -> str:
    """Return `value` if a caller may use it as a user id. Raises InvalidId, also for the memories of sessions."""
    user_id = validate_id(name, value)
    if is_session_memory(user_id):
        raise InvalidId(
            f"{name} must not begin with {SESSION_MEMORY_PREFIX}: these are the memories of sessions without a user"
        )
    return user_id


def is_session_memory(user_id: str) -> bool:
    """Return whether the id is that of the memory of a session without a user."""
    return user_id.startswith(SESSION_MEMORY_PREFIX)


def derive_session_memory_id(session_id: str) -> str:
    """Return the user id of the memory of a session without a user: the same for the same session."""
    derived = SESSION_MEMORY_PREFIX + session_id
    is_too_long = len(derived) > ID_LIMIT_CHARACTERS or len(derived.encode()) > ID_LIMIT_BYTES
    if is_too_long or session_id.startswith(_DIGEST_PREFIX):
        return SESSION_MEMORY_PREFIX + _DIGEST_PREFIX + hashlib.sha256(session_id.encode()).hexdigest()
    return derived


def new_turn_id() -> str:
    """Create a turn id: a UUID of version 7 (RFC 9562), so that ids sort by creation time."""
    # Not uuid.UUID: on the hot path, this takes a third of its time.
    time_digits, random = f"{time.time_ns() // 1_000_000:012x}", os.urandom(10).hex()
    version, variant = f"7{random[:3]}", f"{_VARIANT_DIGITS[random[3]]}{random[4:7]}"
    return f"{time_digits[:8]}-{time_digits[8:]}-{version}-{variant}-{random[7:19]}"


def derive_fact_id(batch_id: uuid.UUID, prompt_version: str, model: str, index: int) -> uuid.UUID:
    """Return the id of the fact at `index` of a batch's answer. The same answer always gives the same ids."""
    return uuid.uuid5(_FACT_NAMESPACE, f"{batch_id}/{prompt_version}/{model}/{index}")


def derive_manual_fact_id(tenant_id: str, user_id: str, turn_id: str, index: int) -> uuid.UUID:
    """Return the id of the fact at `index` of a person's edit. It is known before the edit is processed."""
    return uuid.uuid5(_FACT_NAMESPACE, "\x00".join((tenant_id, user_id, turn_id, str(index))))


def derive_version_id(old_id: uuid.UUID, retracted_id: uuid.UUID) -> uuid.UUID:
    """Return the id of the version that reinstates the fact `old_id` after the fact `retracted_id` was retracted."""
    return uuid.uuid5(old_id, str(retracted_id))


def derive_thread_id(first_fact_id: uuid.UUID) -> uuid.UUID:
    """Return the id of the thread of a matter, from the id of the oldest fact of the matter."""
    return uuid.uuid5(first_fact_id, "thread")
