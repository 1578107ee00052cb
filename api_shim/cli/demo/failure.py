"""The error of the demo."""

from __future__ import annotations


class DemoFailed(Exception):
    """The demo could not be completed. The message says why."""
