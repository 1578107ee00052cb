"""How much one call may ask for, and the checks of it."""

from __future__ import annotations

from afterturn import turns
from afterturn.errors import InvalidInput

#: Turns of one `write_many`, and facts of one `add_facts`.
WRITE_MANY_LIMIT = 1_000
ADD_FACTS_LIMIT = 1_000
#: Memories, facts or turns that one call returns.
RESULT_LIMIT = 1_000
QUERY_LIMIT_CHARACTERS = 32_768


def checked_limit(limit: int) -> int:
    """Return `limit` when it is 1 to 1,000. Raises InvalidInput."""
    if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= RESULT_LIMIT:
        raise InvalidInput(f"limit must be 1 to {RESULT_LIMIT}, not {limit!r}")
    return limit


def checked_query(query: str) -> str:
    """Return `query` in a form that Postgres can take. Raises InvalidInput when it is no string or too long."""
    if not isinstance(query, str):
        raise InvalidInput(f"query must be a string, not {type(query).__name__}")
    if len(query) > QUERY_LIMIT_CHARACTERS:
        raise InvalidInput(f"query has {len(query)} characters; the limit is {QUERY_LIMIT_CHARACTERS}")
    return turns.make_storable(query)
