"""Which tests run in one process, because they share something expensive: it is started once, not once in each process.

xdist has a mark for this, which has no effect with pytest 9.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parents[1]


@cache
def group_of(path: str) -> str | None:
    """Return the group of a file of tests: what they share is the wheel, an uninterrupted run, or of their module."""
    if path.startswith("tests/installation/"):
        return "installation"
    text = (ROOT / path).read_text(encoding="utf-8")
    if path.startswith("tests/chaos/") and "expected: Image" in text:
        return "lane"
    # All pages of the documentation share one `afterturn up`.
    return path if 'scope="module"' in text or path == "tests/docs/test_snippets.py" else None


class GroupScheduling(LoadScopeScheduling):
    """Hand out each group as one, and other tests one by one, in the order in which they are collected."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid.partition("::")[0]) or nodeid
