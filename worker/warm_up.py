"""Import slow modules before a worker is ready, instead of in its first task, and keep them from garbage collection."""

from __future__ import annotations

import gc
import importlib
from typing import Any

from celery.signals import worker_init

from afterturn import settings as settings_module
from afterturn.languages import detection

#: The garbage collector runs after this many new objects that were not freed. Fewer (Python's default is 700): it runs
#: several times in each task. More: circles of objects stay in memory for longer.
OBJECTS_PER_COLLECTION = 10_000


def connect() -> None:
    """Connect the handler."""
    worker_init.connect(_import_sdk)
    worker_init.connect(_load_detector)
    # The last one: signals call their handlers in the order of connection.
    worker_init.connect(_relieve_collector)


def _import_sdk(sender: Any, **_: Any) -> None:
    """Import the LLM's SDK in workers that extract: it takes half a second, for which all threads would wait.

    The import opens no connection, so that it is safe before a fork.
    """
    if "extract" in sender.app.amqp.queues.consume_from and not settings_module.load().is_offline:
        importlib.import_module("openai")


def _load_detector(**_: Any) -> None:
    """Load the model that detects languages: it takes half a second where it was never unpacked."""
    detection.load()


def _relieve_collector(**_: Any) -> None:
    """Exclude what was imported from garbage collection: a worker never frees it, and a fork then shares it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS_PER_COLLECTION)
