"""Logs as JSON, one object per line, without content: `AFTERTURN_LOG_FORMAT=json`.

Messages of errors of libraries may repeat what they were given (a row, a body), so only the type and the place of such
an error are logged, for each error of the chain. Errors of ours repeat nothing, and are logged with code and message.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from afterturn.errors import AfterturnError

#: The configuration of a process: `logging.config.dictConfig(CONFIGURATION)`, or uvicorn's `log_config`.
CONFIGURATION: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": f"{__name__}.JsonFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stderr"}},
    "root": {"level": "INFO", "handlers": ["stderr"]},
    "loggers": {
        # Each has a handler of its own in the configuration of its library.
        name: {"level": "INFO", "handlers": [], "propagate": True}
        for name in ("uvicorn", "uvicorn.error", "uvicorn.access")
    },
}
#: The innermost calls of an error that are logged, and the errors of a chain.
_FRAMES = 20
_ERRORS = 5


class JsonFormatter(logging.Formatter):
    """Formats a record as a JSON object: time, level, logger, message, process, and what belongs to its kind."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the object on one line, in ASCII."""
        fields: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
            "process": record.process,
        }
        if record.name == "uvicorn.access" and isinstance(record.args, tuple) and len(record.args) == 5:
            client, method, path, _, status = record.args
            fields |= {"client": client, "method": method, "path": path, "status": status}
        task = getattr(record, "data", None)
        if isinstance(task, dict):
            fields |= {f"task_{name}": task[name] for name in ("id", "name") if name in task}
        if record.exc_info and record.exc_info[1] is not None:
            fields["errors"] = [_describe(error) for error in _chain(record.exc_info[1])]
        return json.dumps(fields, default=str)


def _message(record: logging.LogRecord) -> str:
    """Return the message. That of Celery about a failed task contains the error's text and its traceback."""
    if record.exc_info and record.name.startswith("celery."):
        return "a task failed"
    return record.getMessage()


def _describe(error: BaseException) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    described: dict[str, Any] = {
        "type": f"{type(error).__module__}.{type(error).__qualname__}",
        "frames": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }
    if isinstance(error, AfterturnError):
        described |= {"code": error.code, "message": str(error)}
    return described


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, its cause, the cause of that, and so on."""
    current: BaseException | None = error
    for _ in range(_ERRORS):
        if current is None:
            return
        yield current
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)


def configure(level: int | str = logging.INFO) -> None:
    """Let this process log JSON to standard error, warnings of Python included."""
    logging.captureWarnings(True)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
