"""Handlers for the start and the end of a worker process."""

from __future__ import annotations

import logging
from typing import Any

from celery.signals import after_setup_logger, setup_logging, worker_init, worker_process_shutdown, worker_shutdown

from afterturn import json_logs
from afterturn import settings as settings_module
from afterturn.embedding import named_model

logger = logging.getLogger(__name__)


def connect() -> None:
    """Connect the handlers. No connection is opened here, but on first use, after the fork, in both pools."""
    worker_init.connect(_announce)
    worker_process_shutdown.connect(_close)
    worker_shutdown.connect(_close)
    after_setup_logger.connect(_quieten)
    if settings_module.load().log_format == "json":
        # A receiver of this signal replaces Celery's own set-up of logs.
        setup_logging.connect(_log_json)


def _log_json(loglevel: int = logging.INFO, **_: Any) -> None:
    json_logs.configure(loglevel)
    _quieten(logging.getLogger())


def _announce(**_: Any) -> None:
    settings = settings_module.load()
    named_model.warn_at_start(settings)
    if settings.is_offline:
        logger.warning(
            "no LLM is configured (AFTERTURN_LLM_API_KEY or AFTERTURN_LLM_BASE_URL): facts come from the offline "
            "rules, which read English; what is said in other languages is kept as it was said"
        )


def _close(**_: Any) -> None:
    # Flower and the other commands of Celery's have none, and would import the pipeline for it.
    from afterturn.pipeline import runtime

    runtime.close_current()


class _WithoutSweeps(logging.Filter):
    """Drop the log records of successful sweeps: one per second would be 26 MB a day."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno > logging.INFO or "afterturn.sweep[" not in record.getMessage()


def _quieten(logger: logging.Logger, **_: Any) -> None:
    for handler in logger.handlers:
        handler.addFilter(_WithoutSweeps())
