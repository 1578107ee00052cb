"""The entry point of the command line. It imports no library of an extra, so that it can name a missing extra."""

from __future__ import annotations

import sys

from afterturn import extras
from afterturn.errors import AfterturnError

#: The exit code of a command that failed.
EXIT_ERROR = 2


def main() -> None:
    """Run the command line. An AfterturnError is printed as one line to stderr; the exit code is then 2."""
    try:
        extras.require("cli", "the command line")
        from api_shim.cli.app import app

        app()
    except AfterturnError as error:
        print(f"error [{error.code}]: {error}", file=sys.stderr)
        sys.exit(EXIT_ERROR)


if __name__ == "__main__":
    main()
