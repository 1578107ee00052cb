"""The entry point of the command line. It imports no library of an extra, so that it can name a missing extra."""

from __future__ import annotations

import sys
from typing import Literal

from afterturn import extras
from afterturn.errors import AfterturnError, MemoryUnavailable, SettingsError

#: The exit code of a command that failed.
EXIT_ERROR = 2


def main() -> None:
    """Run the command line. An AfterturnError is printed as one line to stderr; the exit code is then 2."""
    try:
        extras.require("cli", "the command line")
        from api_shim.cli.app import app

        app()
    except AfterturnError as error:
        print(f"error [{error.code}]: {error}{_explain(error)}", file=sys.stderr)
        sys.exit(EXIT_ERROR)


def _explain(error: AfterturnError) -> str:
    """Return what to do about a server that does not answer, if the environment does not name it."""
    if not isinstance(error, MemoryUnavailable):
        return ""
    from afterturn import settings as settings_module

    name: Literal["redis_url", "postgres_url"] = "redis_url" if "REDIS_URL" in str(error) else "postgres_url"
    try:
        explanation = settings_module.load().explain_default(name)
    except SettingsError:
        return ""
    return "" if explanation in str(error) else explanation


if __name__ == "__main__":
    main()
