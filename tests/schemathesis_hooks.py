"""What schemathesis has to know to send the bodies of the API. SCHEMATHESIS_HOOKS names this module."""

from __future__ import annotations

from typing import Any

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def serialize_lines(_: Any, value: Any) -> bytes:
    """Return the body of an upload."""
    return str(value).encode("utf-8", "replace")
