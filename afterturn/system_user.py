"""The operating system's user that runs this process."""

from __future__ import annotations

import getpass
import os


def read_name() -> str:
    """Return the name of the user; "uid 1000" if the number has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.geteuid()}"
