"""Every second: find what is owed and enqueue it."""

from __future__ import annotations

from celery import shared_task

from afterturn import runtime
from afterturn.stages import sweep


@shared_task(name="afterturn.sweep")
def run(version: int = 1) -> None:
    """Look once. Beat enqueues this with an expiry, so that sweeps never pile up."""
    sweep.sweep(runtime.current())
