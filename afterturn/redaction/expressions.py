"""Regular expressions that are compiled when they are first used."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from functools import cached_property


class Expression:
    """A regular expression that most texts do not need: to compile it takes longer than to import the module."""

    def __init__(self, source: str, flags: re.RegexFlag = re.NOFLAG) -> None:
        """Compile nothing yet. The arguments are those of `re.compile`."""
        self._source = source
        self._flags = flags

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        """The expression, compiled."""
        return re.compile(self._source, self._flags)

    def match(self, text: str, start: int = 0, end: int = sys.maxsize) -> re.Match[str] | None:
        """Match at `start`, as `re.Pattern.match` does."""
        return self.compiled.match(text, start, end)

    def search(self, text: str, start: int = 0, end: int = sys.maxsize) -> re.Match[str] | None:
        """Return the first match, as `re.Pattern.search` does."""
        return self.compiled.search(text, start, end)

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """Yield all matches, as `re.Pattern.finditer` does."""
        return self.compiled.finditer(text)
