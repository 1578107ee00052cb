"""Import slow modules before a worker is ready, instead of in its first task."""

from __future__ import annotations

import importlib
from typing import Any

from celery.signals import worker_init

from afterturn import settings as settings_module
from afterturn.languages import detection


def connect() -> None:
    """Connect the handler."""
    worker_init.connect(_import_sdk)
    worker_init.connect(_load_detector)


def _import_sdk(sender: Any, **_: Any) -> None:
    """Import the LLM's SDK in workers that extract: it takes half a second, for which all threads would wait.

    The import opens no connection, so that it is safe before a fork.
    """
    if "extract" in sender.app.amqp.queues.consume_from and not settings_module.load().is_offline:
        importlib.import_module("openai")


def _load_detector(**_: Any) -> None:
    """Load the model that detects languages: it takes half a second, and its memory is shared after a fork."""
    detection.load()
