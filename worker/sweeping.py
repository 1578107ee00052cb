"""Sweep in a thread of beat's process, so that work is handed out even if all workers are busy.

As a task, the sweep would wait in a queue behind the work that it hands out. The time between two sweeps is this
thread's sleep: no clock is read, so a wrong clock has no effect. If several beats run, Redis lets only one sweep begin
at a time.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

from celery.signals import beat_init

from afterturn import settings as settings_module

logger = logging.getLogger(__name__)

#: While more work is open than a queue may take, sweeps run this many times per interval. More: queues may be shorter,
#: so that newer work waits less; each sweep costs about 20 ms of a processor.
SWEEPS_WHILE_BEHIND = 4


def connect() -> None:
    """Connect the handler: sweeps begin when beat starts, and end with its process."""
    beat_init.connect(_start)


def _start(**_: Any) -> None:
    threading.Thread(target=_sweep_for_ever, name="sweep", daemon=True).start()


def _sweep_for_ever() -> None:
    # Only beat sweeps; Flower also imports the app.
    from afterturn.pipeline import runtime
    from afterturn.pipeline.stages import sweep

    seconds = settings_module.load().sweep_seconds
    #: None: before the first sweep.
    works: bool | None = None
    while True:
        is_behind = False
        try:
            is_behind = sweep.sweep_queues(runtime.current()).is_behind
        except Exception as error:
            # The next sweep finds the open work. Failures in a row are logged once.
            if works is not False:
                logger.error("the sweep fails, and is tried again: %s: %s", type(error).__name__, error)
            works = False
        else:
            if works is None:
                logger.info("the first sweep is completed")
            elif not works:
                logger.warning("the sweep works again")
            works = True
        time.sleep(seconds / SWEEPS_WHILE_BEHIND if is_behind else seconds)
