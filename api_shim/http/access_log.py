"""The access log holds no content: no query strings, in which questions are, and no names of preferences."""

from __future__ import annotations

import logging
import re

_PREFERENCE = re.compile("(/preferences/)[^/]+")


class _WithoutContent(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        """Shorten the path of uvicorn's record: client, method, path with query, version, status."""
        if isinstance(record.args, tuple) and len(record.args) > 2:
            path = str(record.args[2]).partition("?")[0]
            record.args = (*record.args[:2], _PREFERENCE.sub(r"\1-", path), *record.args[3:])
        return True


_FILTER = _WithoutContent()


def remove_content() -> None:
    """Let uvicorn log no content from now on."""
    logging.getLogger("uvicorn.access").addFilter(_FILTER)
