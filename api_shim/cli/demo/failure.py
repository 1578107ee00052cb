"""How the demo fails."""

from __future__ import annotations


class DemoFailed(Exception):
    """Something did not come to its end; the message says what, for people."""
