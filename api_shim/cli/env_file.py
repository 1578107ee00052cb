"""The file `.env` in the current directory: settings of the command line that are not in the environment."""

from __future__ import annotations

import os
from pathlib import Path

from afterturn.errors import SettingsError

FILE = ".env"
#: Of a file that other programs share, only afterturn's own variables are read.
PREFIX = "AFTERTURN_"


def load() -> None:
    """Add the settings of `.env` to the environment of this process, where they are not set.

    Raises SettingsError if the file cannot be read.
    """
    path = Path(FILE)
    if not path.is_file():
        return
    from dotenv import dotenv_values

    try:
        values = dotenv_values(path)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path.absolute()} cannot be read: {error}") from error
    for name, value in values.items():
        if name.startswith(PREFIX) and value is not None:
            os.environ.setdefault(name, value)
