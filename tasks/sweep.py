"""Every second: find what is owed and enqueue it. Every minute: find pending turns that no index names."""

from __future__ import annotations

from afterturn.pipeline import runtime
from afterturn.pipeline.stages import sweep

from .stage import stage


@stage("sweep")
def run() -> None:
    """Look once. Beat enqueues this with an expiry, so that sweeps never pile up."""
    sweep.sweep(runtime.current())


@stage("reconcile")
def run_reconcile() -> None:
    """Search Redis once."""
    sweep.reconcile(runtime.current())
