"""The number of values in a JSON body, counted before it is parsed.

A parsed body takes up to 25 times its size: eight megabytes of small keys take 200. What is inside a text does not
count, so that a body may have texts of any length that fits.
"""

from __future__ import annotations

import re

from afterturn.errors import InvalidInput

#: The largest number of values (members and elements, at all levels). Larger: more memory for a request. Smaller: large
#: batches of turns with much metadata are refused.
VALUES_LIMIT = 100_000

#: A string, or an unfinished one up to the end. It never backtracks, so its time grows with the size only.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_STRUCTURE = (b",", b"[", b"{")


def check(body: bytes) -> None:
    """Raise InvalidInput if a JSON body has too many values."""
    if _count(body) <= VALUES_LIMIT:
        return
    if _count(_STRING.sub(b"", body)) > VALUES_LIMIT:
        raise InvalidInput(f"the body has more than {VALUES_LIMIT} values")


def _count(body: bytes) -> int:
    return sum(body.count(character) for character in _STRUCTURE)
