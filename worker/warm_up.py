"""What a worker loads before it says that it is ready, rather than in its first task."""

from __future__ import annotations

import importlib
from typing import Any

from celery.signals import worker_init

from afterturn import settings as settings_module


def connect() -> None:
    """Connect the handler."""
    worker_init.connect(_import_sdk)


def _import_sdk(sender: Any, **_: Any) -> None:
    """Import the LLM's SDK where it will be used: that takes half a second, for which all threads would wait.

    Only in workers that extract; importing opens nothing, so that it may happen before a fork.
    """
    if "extract" in sender.app.amqp.queues.consume_from and not settings_module.load().is_offline:
        importlib.import_module("openai")
