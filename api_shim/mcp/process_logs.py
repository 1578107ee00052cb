"""The logs of a process that serves MCP over stdio: all on standard error, for standard output is the protocol's."""

from __future__ import annotations

import logging
import sys

from afterturn import json_logs
from afterturn.settings import Settings


def configure(settings: Settings) -> None:
    """Let this process log to standard error: ours from INFO, libraries from WARNING."""
    if settings.log_format == "json":
        json_logs.configure(logging.WARNING)
    else:
        logging.captureWarnings(True)
        logging.basicConfig(
            level=logging.WARNING,
            stream=sys.stderr,
            format="%(asctime)s %(levelname)s %(name)s: %(message)s",
            force=True,
        )
    logging.getLogger("afterturn").setLevel(logging.INFO)
