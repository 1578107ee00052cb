"""The entry point of the command line. It imports nothing that an extra brings, so that it can say what is missing."""

from __future__ import annotations

import sys

from afterturn import extras
from afterturn.errors import AfterturnError

#: A command that could not do what it was asked to; 1 is for a service that died while running.
EXIT_ERROR = 2


def main() -> None:
    """Run the command line. An AfterturnError becomes one line on stderr and exit code 2."""
    try:
        extras.require("cli", "the command line")
        from api_shim.cli.app import app

        app()
    except AfterturnError as error:
        print(f"error [{error.code}]: {error}", file=sys.stderr)
        sys.exit(EXIT_ERROR)


if __name__ == "__main__":
    main()
