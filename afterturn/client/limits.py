"""Limits of single calls, and the checks of arguments against them."""

from __future__ import annotations

from afterturn import turns
from afterturn.errors import InvalidInput

#: The largest number of turns per `write_many` and of facts per `add_facts`.
WRITE_MANY_LIMIT = 1_000
ADD_FACTS_LIMIT = 1_000
#: The largest number of memories, facts or turns that one call returns.
RESULT_LIMIT = 1_000
QUERY_LIMIT_CHARACTERS = 32_768


def validate_limit(limit: int) -> int:
    """Return `limit`. Raises InvalidInput if it is not an integer from 1 to 1,000."""
    if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= RESULT_LIMIT:
        raise InvalidInput(f"limit must be 1 to {RESULT_LIMIT}, not {limit!r}")
    return limit


def validate_query(query: str) -> str:
    """Return `query` without characters that Postgres cannot store. Raises InvalidInput if it is too long."""
    if not isinstance(query, str):
        raise InvalidInput(f"query must be a string, not {type(query).__name__}")
    if len(query) > QUERY_LIMIT_CHARACTERS:
        raise InvalidInput(f"query has {len(query)} characters; the limit is {QUERY_LIMIT_CHARACTERS}")
    return turns.make_storable(query)
